"""Whether a disk takes what is to be written, found out before libraries fail on it in ways of their own."""

import errno
import os
from pathlib import Path
from typing import Final

_UNNAMED: Final = getattr(os, 'O_TMPFILE', 0)


def check_space(path: Path, size: int) -> None:
    """Refuse to add `size` bytes to a file that the disk, a quota or a limit of files will not take.

    The space is taken for a moment by a file without a name. Where a file system knows no such files, nothing is said.

    Raises:
        OSError: with the file's name.
    """
    if not (_UNNAMED and hasattr(os, 'posix_fallocate')):
        return
    offset = path.stat().st_size if path.is_file() else 0
    try:
        descriptor = os.open(path.parent, os.O_WRONLY | _UNNAMED, 0o600)
    except OSError:
        return
    try:
        os.posix_fallocate(descriptor, offset, max(1, size))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):  # it cannot be asked
            return
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(descriptor)
