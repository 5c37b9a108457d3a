"""Writing an LMDB: how it is opened and grows, and what it says of a disk, as an error of the system."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import lmdb

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.space import check_space

ROOM: Final = 2**16  # bytes that LMDB writes beside a record: pages of its tree
_OF_DISKS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO)


@contextmanager
def lmdb_disk_errors(folder: Path, size: int = 0) -> Iterator[None]:
    """Turn an `lmdb.Error` inside the block into an `OSError` of the folder, or a `SpikeDataError` where it is neither.

    Args:
        folder: of the LMDB.
        size: bytes that are being written: a short write is an input/output error to LMDB, whatever was its cause.

    Raises:
        OSError: the disk is full, a limit is reached, and the like.
        SpikeDataError: LMDB refused for another reason.
    """
    try:
        yield
    except lmdb.MapFullError:  # not the disk; the caller enlarges the map
        raise
    except lmdb.Error as error:
        number = next((number for number in _OF_DISKS if os.strerror(number) in str(error)), None)
        if number is None:
            raise SpikeDataError(f'{folder}: LMDB cannot write it: {error}') from error
        if number == errno.EIO:
            check_space(folder / 'data.mdb', size)
        raise OSError(number, os.strerror(number), str(folder)) from error


def open_to_write(folder: Path, map_size: int) -> Any:
    """Open an LMDB that this process alone writes, without its lock file, whose map faults on a full disk."""
    check_space(folder / 'data.mdb', ROOM)
    return lmdb.open(str(folder), map_size=map_size, sync=False, lock=False)


def commit(environment: Any, map_size: int, key: bytes, payload: bytes) -> int:
    """Commit one record, with a larger map where the present one is full; return the map's size."""
    while True:
        try:
            with environment.begin(write=True) as transaction:
                transaction.put(key, payload)
            return map_size
        except lmdb.MapFullError:
            map_size = 2 * map_size + len(payload)
            environment.set_mapsize(map_size)
