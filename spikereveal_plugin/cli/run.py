"""Run a command; exit codes: 0 done, 2 wrong usage (argparse), others as `outcome` says."""

import argparse
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

from spikereveal_plugin.cli.outcome import outcome, quiet_output


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody may be listening
        sys.stderr.write(text)


def run(
    command: Callable[[argparse.Namespace], None],
    args: argparse.Namespace,
    *,
    debug: bool,
    say: Callable[[str], None] = _say,
) -> int:
    """Call a command and turn what ends it early into one line and an exit code; `debug` shows the traceback."""
    try:
        command(args)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  whatever it is, the user reads one line
        code, line = outcome(error)
        quiet_output()
        if line:
            say(f'{traceback.format_exc() if debug else ""}{line}\n')
        return code
    return 0
