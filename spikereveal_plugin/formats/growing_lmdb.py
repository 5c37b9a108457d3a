"""An LMDB that grows record by record and survives a kill: what is listed in meta_info.txt is whole and on the disk."""

import os
import time
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Any

import lmdb

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.lmdb_disk import commit, open_to_write
from spikereveal_plugin.formats.lmdb_store import FIRST_MAP_SIZE, META_NAME, record_key
from spikereveal_plugin.formats.lock import FolderLock

FLUSH_SECONDS = 5.0


class GrowingLmdb:
    """Add records to an LMDB that may hold some already; a context manager, for one process at a time.

    Records are forced to the disk, then their lines to meta_info.txt, every few seconds and at the end: after a kill
    the work goes on where it was then. `LmdbReader` reads the result, finished or not.

    Args:
        path: folder `name.lmdb`; it is created where absent.

    Raises:
        SpikeDataError: another process adds to it, LMDB cannot open it, or the name does not end in `.lmdb`.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix != '.lmdb':
            raise SpikeDataError(f"{path}: an LMDB folder's name must end in .lmdb, or BasicSR refuses it")
        self.path = path
        self._environment: Any = None
        self._meta: BufferedRandom | None = None
        self._map_size = FIRST_MAP_SIZE
        self._pending: list[str] = []
        self._flushed = 0.0
        self._lock = FolderLock(path, 'adding to it')

    def __enter__(self) -> 'GrowingLmdb':
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._meta = (self.path / META_NAME).open('a+b')
            _drop_torn_line(self._meta)
            self._environment = open_to_write(self.path, self._map_size)
            self._map_size = self._environment.info()['map_size']
        except (OSError, lmdb.Error) as error:
            self._close()
            raise SpikeDataError(f'{self.path}: cannot be written: {error}') from error
        except SpikeDataError:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._flush()
        finally:
            self._close()

    def put(self, name: str, shape: tuple[int, ...], payload: bytes, note: str = '') -> None:
        """Store one record, that meta_info.txt does not list yet.

        Args:
            name: key and extension, such as `seq/000019/020.gain`: printable, with one dot.
            shape: sizes to state in meta_info.txt.
            payload: the record.
            note: the rest of its line in meta_info.txt.

        Raises:
            SpikeDataError: `name` cannot be a key, or the disk is full.
            RuntimeError: the writer is not inside its `with` block.
        """
        if self._environment is None or self._meta is None:
            raise RuntimeError(f'{self.path}: put() works inside `with GrowingLmdb(...) as writer:` only')
        key = record_key(name, self._environment.max_key_size(), self.path)
        sizes = ','.join(str(size) for size in shape)
        try:
            self._map_size = commit(self._environment, self._map_size, key.encode(), payload)
            self._pending.append(f'{name} ({sizes}) {note}'.rstrip() + '\n')
            if time.monotonic() - self._flushed > FLUSH_SECONDS:
                self._flush()
        except (OSError, lmdb.Error) as error:
            raise SpikeDataError(
                f'{self.path}: {key!r} could not be written: {error}; what was written before stays'
            ) from error

    def _flush(self) -> None:
        """Force records to the disk, then the lines that list them."""
        if self._environment is None or self._meta is None or not self._pending:
            return
        self._environment.sync(True)
        self._meta.write(''.join(self._pending).encode())
        self._meta.flush()
        os.fsync(self._meta.fileno())
        self._pending, self._flushed = [], time.monotonic()

    def _close(self) -> None:
        if self._environment is not None:
            self._environment.close()
        if self._meta is not None:
            self._meta.close()
        self._environment, self._meta, self._pending = None, None, []
        self._lock.release()


def _drop_torn_line(file: BufferedRandom) -> None:
    """Cut off what a kill left of a line."""
    file.seek(0)
    content = file.read()
    file.truncate(content.rfind(b'\n') + 1)
    file.seek(0, os.SEEK_END)
