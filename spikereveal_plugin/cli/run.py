"""Run a command; exit codes: 0 done, 2 wrong usage (argparse), others as `outcome` says."""

import argparse
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress

from spikereveal_plugin.cli.outcome import outcome, quiet_output
from spikereveal_plugin.cli.text import STDOUT
from spikereveal_plugin.formats.atomic import naming


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody may be listening
        sys.stderr.write(text)


def _say_of_thread(error: BaseException | None) -> None:
    """Say that a thread failed, such as TensorBoard's on a full disk; what needs it fails by itself."""
    if error is not None:
        _say(f'warning: in the background: {outcome(error)[1].removeprefix("error: ")}\n')


def run(
    command: Callable[[argparse.Namespace], None],
    args: argparse.Namespace,
    *,
    debug: bool,
    say: Callable[[str], None] = _say,
) -> int:
    """Call a command and turn what ends it early into one line and an exit code; `debug` shows the traceback."""
    logging.raiseExceptions = debug  # a log that cannot be written costs the log, not a page of tracebacks
    threading.excepthook = lambda failed: _say_of_thread(failed.exc_value)
    try:
        command(args)
        with naming(STDOUT):
            sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  whatever it is, the user reads one line
        code, line = outcome(error)
        quiet_output()
        if line:
            say(f'{traceback.format_exc() if debug else ""}{line}\n')
        return code
    return 0
