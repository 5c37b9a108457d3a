"""What LMDB says of a disk, as an error of the system with the file's name."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import lmdb

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.space import check_space

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
