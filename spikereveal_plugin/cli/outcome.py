"""What a command's end means: an exit code, and one line where it failed."""

import os
import sys
import traceback
from pathlib import Path
from typing import Final

from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.formats.one_line import one_line
from spikereveal_plugin.formats.system_error import said

INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141  # what a shell reports of a process that SIGPIPE ended


def outcome(error: BaseException) -> tuple[int, str]:
    """Return the exit code, and the line to say, which is empty where nothing is to be said.

    Codes: 1 the input or the machine is at fault, 130 interrupted, 141 whoever read the output went away; a run that a
    signal stopped has its own.
    """
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, 'interrupted'
    if isinstance(error, BrokenPipeError) and error.filename in (None, 'standard output'):
        return PIPE_CLOSED, ''
    if isinstance(error, SpikeRevealError):
        return error.exit_code, f'error: {one_line(str(error))}'
    if isinstance(error, OSError):
        return 1, f'error: {one_line(said(error))}'
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and 'allocate memory' in str(error)):
        return (
            1,
            f'error: not enough memory; smaller images or crops need less ({one_line(str(error)) or "MemoryError"})',
        )
    return 1, f'error: {one_line(_unforeseen(error))}'


def quiet_output() -> None:
    """Write nothing more to standard output, not even when the process ends."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unforeseen(error: BaseException) -> str:
    """Say where it came from: it may be code of the user's own, or a fault of this package."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f', in {Path(frames[-1].filename).name}, line {frames[-1].lineno}' if frames else ''
    text = ' '.join(str(error).split())
    return f'{type(error).__name__}{": " if text else ""}{text[:400]}{where}; --debug shows the way there'
