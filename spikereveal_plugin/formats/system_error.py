"""What an error of the operating system means for the user: file, operation, cure, in one line."""

import errno
import os
from typing import Final

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


def reason(error: OSError) -> str:
    """Return what the system says, and the cure; no file's name."""
    if error.errno is None or error.strerror is None:
        return str(error)
    return f'{error.strerror}; {CURES.get(error.errno, "does the path exist, and may it be read and written?")}'


def said(error: OSError) -> str:
    """Return file, what the system says of it, and the cure."""
    if error.filename is None:
        return reason(error) if error.errno else f'{type(error).__name__}: {error}'
    other = f' (and {os.fsdecode(error.filename2)})' if error.filename2 else ''
    return f'{os.fsdecode(error.filename)}{other}: {reason(error)}'
