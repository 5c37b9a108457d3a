"""Exit codes: 0 done, 1 the input is at fault (said in one line), 130 interrupted; argparse gives 2 for wrong usage."""

import argparse
import sys
import traceback
from collections.abc import Callable

from spikereveal_plugin.errors import SpikeRevealError

INTERRUPTED = 130


def run(command: Callable[[argparse.Namespace], None], args: argparse.Namespace, *, debug: bool) -> int:
    """Call a command and turn a user's mistake into one line and exit code 1; `debug` shows the traceback."""
    try:
        command(args)
    except SpikeRevealError as error:
        if debug:
            traceback.print_exc()
        sys.stderr.write(f'error: {error}\n')
        return 1
    except KeyboardInterrupt:
        sys.stderr.write('interrupted\n')
        return INTERRUPTED
    return 0
