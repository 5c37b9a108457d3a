"""What a command's end means: an exit code, and one line where it failed."""

import errno
import os
import sys
import traceback
from pathlib import Path
from typing import Final

from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.formats.one_line import one_line

INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141  # what a shell reports of a process that SIGPIPE ended
CURES: Final = {
    errno.ENOSPC: 'free some space, or write elsewhere',
    errno.EDQUOT: 'the quota is used up: free some space, or write elsewhere',
    errno.EFBIG: 'the limit of a file (`ulimit -f`, or the file system) is reached: raise it, or write elsewhere',
    errno.EROFS: 'the file system is read-only: write elsewhere',
    errno.EACCES: 'it may not be read or written by you',
    errno.EPERM: 'it may not be changed by you',
    errno.EMFILE: 'too many open files: raise `ulimit -n`',
    errno.ENAMETOOLONG: 'choose a shorter name',
    errno.ENOENT: 'does the path exist?',
    errno.ENOTDIR: 'a file lies where the path has a folder',
    errno.EISDIR: 'a folder lies there; name a file',
    errno.ENOMEM: 'there is not enough memory: smaller images, fewer --workers',
    errno.EIO: 'the disk or the network file system fails',
    errno.ESTALE: 'the network file system lost it: try again',
}
"""What to do about an error of the system."""


def outcome(error: BaseException) -> tuple[int, str]:
    """Return the exit code, and the line to say, which is empty where nothing is to be said.

    Codes: 1 the input or the machine is at fault, 130 interrupted, 141 whoever read the output went away; a run that a
    signal stopped has its own.
    """
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, 'interrupted'
    if isinstance(error, BrokenPipeError) and error.filename is None:
        return PIPE_CLOSED, ''
    if isinstance(error, SpikeRevealError):
        return error.exit_code, f'error: {one_line(str(error))}'
    if isinstance(error, OSError):
        return 1, f'error: {one_line(_of_system(error))}'
    if isinstance(error, MemoryError):
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


def _of_system(error: OSError) -> str:
    name = 'standard output' if error.filename is None else os.fsdecode(error.filename)
    if error.errno is None or error.strerror is None:
        return f'{name}: {error}' if error.filename else f'{type(error).__name__}: {error}'
    other = f' (and {os.fsdecode(error.filename2)})' if error.filename2 else ''
    cure = CURES.get(error.errno, 'does the path exist, and may it be read and written?')
    return f'{name}{other}: {error.strerror}; {cure}'


def _unforeseen(error: BaseException) -> str:
    """Say where it came from: it may be code of the user's own, or a fault of this package."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f', in {Path(frames[-1].filename).name}, line {frames[-1].lineno}' if frames else ''
    text = ' '.join(str(error).split())
    return f'{type(error).__name__}{": " if text else ""}{text[:400]}{where}; --debug shows the way there'
