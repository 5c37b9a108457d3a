"""Write a file whole or not at all, and leave nothing else behind, not even where the process is killed."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

_UNNAMED: Final = getattr(os, 'O_TMPFILE', 0)
_UNKNOWN: Final = (
    errno.EISDIR,
    errno.EINVAL,
    errno.EOPNOTSUPP,
    errno.ENOENT,
)  # said by file systems without such files


def write_atomically(path: Path, payload: bytes) -> None:
    """Write a file that has no name until all of it is on the disk.

    Where the file system knows no such files, it is written beside `path` as `part_of` says.

    Args:
        path: file to create or to replace; its folder is created where absent.
        payload: the file's whole content.

    Raises:
        OSError: with the file's name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        if not _write_unnamed(path, payload):
            _write_beside(path, payload)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file's name to an error of the system that has none, such as of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise type(error)(error.errno, error.strerror or os.strerror(error.errno), str(path)) from error
        raise


def part_of(path: Path, suffix: str = '') -> Path:
    """Return the name that a file has while this process writes it: `.NAME.PID.part`, and a suffix if one is needed."""
    return path.with_name(f'.{path.name}.{os.getpid()}.part{suffix}')


def remove_torn(path: Path, suffix: str = '') -> None:
    """Remove what processes that are no more left of `path` when they were killed while they wrote it."""
    form = re.compile(rf'\.{re.escape(path.name)}\.(\d+)\.part{re.escape(suffix)}')
    for entry in path.parent.iterdir():
        match = form.fullmatch(entry.name)
        if match and not _is_alive(int(match[1])):
            entry.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _write_unnamed(path: Path, payload: bytes) -> bool:
    """Whether it could be done so."""
    if not _UNNAMED:
        return False
    try:
        descriptor = os.open(path.parent, os.O_WRONLY | _UNNAMED, 0o666)
    except OSError as error:
        if error.errno in _UNKNOWN:
            return False
        raise
    with os.fdopen(descriptor, 'wb') as file:
        _fill(file, payload)
        unnamed = f'/proc/self/fd/{descriptor}'
        try:
            os.link(unnamed, path, src_dir_fd=descriptor)  # which makes Python follow the link
        except FileExistsError:
            part = part_of(path)
            part.unlink(missing_ok=True)  # of a process of this number, which is no more
            os.link(unnamed, part, src_dir_fd=descriptor)
            part.replace(path)
        except FileNotFoundError:  # no /proc
            return False
    return True


def _write_beside(path: Path, payload: bytes) -> None:
    part = part_of(path)
    try:
        with part.open('wb') as file:
            _fill(file, payload)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    remove_torn(path)


def _fill(file: BinaryIO, payload: bytes) -> None:
    file.write(payload)
    file.flush()
    os.fsync(file.fileno())
