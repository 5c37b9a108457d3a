"""LMDB in BasicSR's convention: `name.lmdb/` holds data.mdb, lock.mdb and meta_info.txt.

A line of meta_info.txt is `key.ext (a,b,c) note`; the record's key is the name without its extension.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import lmdb

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.lmdb_disk import ROOM, commit, lmdb_disk_errors, open_to_write
from spikereveal_plugin.formats.lmdb_environments import ENVIRONMENTS
from spikereveal_plugin.formats.names import is_key
from spikereveal_plugin.formats.text_file import MOST_OF_MANIFEST, read_text

META_NAME: Final = 'meta_info.txt'
FIRST_MAP_SIZE: Final = 64 * 2**20
_LINE = re.compile(r'(?P<key>.+)\.(?P<extension>[^. ]+) \((?P<shape>\d+(?:,\d+)*)\)(?: (?P<note>.*))?')
_NAME = re.compile(r'(?P<key>.+)\.(?P<extension>[0-9A-Za-z]+)')


@dataclass(frozen=True)
class LmdbEntry:
    """One line of meta_info.txt."""

    extension: str
    shape: tuple[int, ...]
    note: str


@dataclass(frozen=True)
class LmdbRecord:
    """A record's bytes and its line of meta_info.txt."""

    entry: LmdbEntry
    payload: bytes


class LmdbReader:
    """Read records as views of the memory map.

    It holds no handle: the environment is opened once a process, so a reader may be forked, pickled and copied freely.

    Args:
        path: folder `name.lmdb`.

    Raises:
        SpikeDataError: the folder or one of its files is absent, or meta_info.txt has a line of another form.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ('data.mdb', META_NAME):
            if not (path / name).is_file():
                state = 'lacks' if path.is_dir() else 'is no folder, so it lacks'
                raise SpikeDataError(f'{path} {state} {name}; give the path of a complete LMDB folder (name.lmdb)')
        self.entries: dict[str, LmdbEntry] = _parse_meta(path / META_NAME)
        # A folder deleted and built again under the same name is another environment.
        self._identity = path.resolve(), (path / 'data.mdb').stat().st_ino

    @property
    def keys(self) -> tuple[str, ...]:
        """Every record's key, in the order of meta_info.txt."""
        return tuple(self.entries)

    def stored_keys(self) -> tuple[str, ...]:
        """Every key that data.mdb itself holds, in order; meta_info.txt is not asked.

        Raises:
            SpikeDataError: data.mdb is not an LMDB file, or is damaged.
        """
        try:
            with ENVIRONMENTS.get(*self._identity).begin() as transaction:
                return tuple(key.decode('utf-8', 'replace') for key in transaction.cursor().iternext(values=False))
        except lmdb.Error as error:
            raise SpikeDataError(f'{self.path}: data.mdb is damaged ({error}); build it again') from error

    @contextmanager
    def open(self, key: str) -> Iterator[memoryview]:
        """Lend a record's bytes without copying them; they are valid inside the `with` block only.

        Raises:
            SpikeDataError: there is no such key, or data.mdb is not an LMDB file.
        """
        if key not in self.entries:
            close = get_close_matches(key, self.entries, n=1, cutoff=0)
            hint = f'; the nearest is {close[0]!r}' if close else ''
            raise SpikeDataError(f'{self.path} has no key {key!r} (it holds {len(self.entries)}{hint})')
        with ENVIRONMENTS.get(*self._identity).begin(buffers=True) as transaction:
            raw = self._get(transaction, key)
            if raw is None:
                raise SpikeDataError(f'{self.path}: {META_NAME} lists {key!r} but data.mdb lacks it; build it again')
            yield raw

    def _get(self, transaction: Any, key: str) -> memoryview | None:
        try:
            return transaction.get(key.encode())
        except lmdb.Error as error:
            raise SpikeDataError(f'{self.path}: LMDB cannot read {key!r} ({error}); data.mdb is damaged') from error


def record_key(name: str, longest: int, path: Path) -> str:
    """Return the key of the record `key.ext` of the LMDB at `path`.

    Raises:
        SpikeDataError: `name` is not such a name, or its key is longer than `longest` bytes of UTF-8.
    """
    match = _NAME.fullmatch(name)
    if match is None or not is_key(match['key']) or len(match['key'].encode()) > longest:
        raise SpikeDataError(
            f'{path}: {name!r} cannot name a record: it must be `key.ext`, printable, the key at most {longest} bytes '
            f'and without a dot (BasicSR cuts it there); rename it'
        )
    return match['key']


class LmdbWriter:
    """Write a new LMDB; a context manager.

    Records gather in `name.lmdb.partial`, which is renamed at the end, so a folder named `name.lmdb` is always
    complete. It is removed when the `with` block ends in an error. The same records in the same order give the same
    bytes.

    Args:
        path: folder to create; its name ends in `.lmdb`, as BasicSR demands.
        map_size: bytes to reserve at first; it grows by itself.

    Raises:
        SpikeDataError: the folder, or what an interrupted run left of it, exists, or its name does not end in `.lmdb`.
        OSError: the disk is full.
    """

    def __init__(self, path: Path, *, map_size: int = FIRST_MAP_SIZE) -> None:
        if path.suffix != '.lmdb':
            raise SpikeDataError(f"{path}: an LMDB folder's name must end in .lmdb, or BasicSR refuses it")
        self.path = path
        self._partial = path.with_name(f'{path.name}.partial')
        for folder, remedy in (
            (path, 'delete it or choose another path'),
            (self._partial, 'no run uses it? Delete it'),
        ):
            if folder.exists():
                raise SpikeDataError(f'{folder} exists already; {remedy}')
        self._map_size = map_size
        self._lines: dict[str, str] = {}
        self._environment: Any = None

    def __enter__(self) -> 'LmdbWriter':
        self._partial.mkdir(parents=True)
        # Nothing is worth keeping of an unfinished LMDB, so one sync at the end replaces one a record.
        try:
            with lmdb_disk_errors(self._partial, ROOM):
                self._environment = open_to_write(self._partial, self._map_size)
        except BaseException:
            shutil.rmtree(self._partial)
            raise
        return self

    def put(self, name: str, shape: tuple[int, ...], payload: bytes, note: str = '') -> None:
        """Store one record.

        Args:
            name: key and extension, such as `seq/000019.png`: printable, with one dot.
            shape: sizes to state in meta_info.txt.
            payload: the record.
            note: the rest of its line in meta_info.txt.

        Raises:
            SpikeDataError: `name` cannot be a key, or is a duplicate.
            RuntimeError: the writer is not inside its `with` block.
        """
        if self._environment is None:
            raise RuntimeError(f'{self.path}: put() works inside `with LmdbWriter(...) as writer:` only')
        key = record_key(name, self._environment.max_key_size(), self.path)
        if key in self._lines:
            raise SpikeDataError(f'{self.path}: the key {key!r} was written already; keys must be unique')
        self._store(key.encode(), payload)
        sizes = ','.join(str(size) for size in shape)
        self._lines[key] = f'{name} ({sizes}) {note}'.rstrip() + '\n'

    def put_record(self, key: str, record: LmdbRecord) -> None:
        """Store one record under `key`; see `put`."""
        entry = record.entry
        self.put(f'{key}.{entry.extension}', entry.shape, record.payload, entry.note)

    def _store(self, key: bytes, payload: bytes) -> None:
        """Commit one record, with a larger map where the present one is full."""
        with lmdb_disk_errors(self._partial, len(payload) + ROOM):
            self._map_size = commit(self._environment, self._map_size, key, payload)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        environment, self._environment = self._environment, None
        try:
            if kind is None:
                with lmdb_disk_errors(self._partial):
                    environment.sync(True)
            environment.close()
            if kind is None:
                self._finish()
        finally:
            if self._partial.exists():
                shutil.rmtree(self._partial)

    def _finish(self) -> None:
        """Describe the records and give the folder its name."""
        if not self._lines:
            raise SpikeDataError(f'{self.path}: no record was written; is the source empty?')
        # Emptied, since it holds addresses of this process; LMDB fills it again where it needs it.
        (self._partial / 'lock.mdb').write_bytes(b'')
        write_atomically(self._partial / META_NAME, ''.join(self._lines.values()).encode())
        if self.path.exists():
            raise SpikeDataError(f'{self.path} was created by someone else meanwhile; delete it or choose another path')
        self._partial.rename(self.path)


def _parse_meta(path: Path) -> dict[str, LmdbEntry]:
    entries: dict[str, LmdbEntry] = {}
    lines = read_text(path, MOST_OF_MANIFEST).splitlines()
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise SpikeDataError(f'{path}, line {number}: expected `key.ext (a,b,c) note`, got {line!r}')
        key = match['key']
        if key in entries:
            raise SpikeDataError(f'{path}, line {number}: the key {key!r} is listed twice')
        entries[key] = LmdbEntry(match['extension'], tuple(map(int, match['shape'].split(','))), match['note'] or '')
    return entries
