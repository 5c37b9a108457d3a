"""Exit codes: 0 done, 1 the input is at fault (said in one line), 2 wrong usage (argparse), 128 + n signal n came."""

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
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write('interrupted\n')
        return INTERRUPTED
    return 0
