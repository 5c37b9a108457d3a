"""Exit codes: 0 done, 1 the input is at fault (said in one line), 2 wrong usage (argparse), 128 + n signal n came."""

import argparse
import sys
import traceback
from collections.abc import Callable

from spikereveal_plugin.errors import SpikeRevealError

INTERRUPTED = 130


def _say(text: str) -> None:
    sys.stderr.write(text)


def run(
    command: Callable[[argparse.Namespace], None],
    args: argparse.Namespace,
    *,
    debug: bool,
    say: Callable[[str], None] = _say,
) -> int:
    """Call a command and turn a user's mistake into one line and its exit code; `debug` shows the traceback."""
    try:
        command(args)
    except SpikeRevealError as error:
        say(f'{traceback.format_exc() if debug else ""}error: {error}\n')
        return error.exit_code
    except OSError as error:
        if error.filename is None:
            raise
        reason = f'{error.strerror or type(error).__name__}; does the path exist, and may it be read and written?'
        say(f'{traceback.format_exc() if debug else ""}error: {error.filename}: {reason}\n')
        return 1
    except KeyboardInterrupt:
        say('interrupted\n')
        return INTERRUPTED
    return 0
