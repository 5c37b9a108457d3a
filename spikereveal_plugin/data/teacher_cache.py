"""What the frozen teacher found, kept: the factor of Eq. 8 for each sample and instant, in `teacher.lmdb`.

A record `<sample>/<instant>` is (H, W) numbers, row by row, little-endian; `teacher.json` beside data.mdb says whose.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.bits import checked_span
from spikereveal_plugin.formats.growing_lmdb import GrowingLmdb
from spikereveal_plugin.formats.lmdb_store import LmdbReader
from spikereveal_plugin.formats.own_files import remove_own
from spikereveal_plugin.formats.text_file import read_json

Precision = Literal['float32', 'float16']
# The darkest 8-bit pixel above 0 is white at a gain of 255 already: a clipped frame stays the same, and float16 fits.
GAIN_LIMIT = 256.0
_DTYPES: dict[str, np.dtype[Any]] = {'float32': np.dtype('<f4'), 'float16': np.dtype('<f2')}
_ORIGIN = 'teacher.json'
CACHE_FILES = [Path(name) for name in ('data.mdb', 'lock.mdb', 'meta_info.txt', _ORIGIN)]
REMEDY = 'make it by `spikereveal data teach -opt FILE` with this option file'


class TeacherCache:
    """Read gains, or crops of them; safe to fork and to pickle.

    Args:
        path: folder `teacher.lmdb`, finished or not.

    Raises:
        SpikeDataError: the folder is absent or is no teacher's cache.
    """

    def __init__(self, path: Path) -> None:
        if not (path / _ORIGIN).is_file():
            raise SpikeDataError(f'{path}: there is no cache of the teacher ({_ORIGIN} is missing); {REMEDY}')
        self._reader = LmdbReader(path)
        self.origin = read_origin(path)

    @property
    def path(self) -> Path:
        """The LMDB folder."""
        return self._reader.path

    def missing(self, keys: Collection[str], instants: Sequence[int]) -> dict[str, list[int]]:
        """Return the instants that are missing, by sample; empty where the cache is complete."""
        entries = self._reader.entries
        missing = {key: [t for t in instants if _name(key, t) not in entries] for key in keys}
        return {key: readouts for key, readouts in missing.items() if readouts}

    def check(self, origin: Mapping[str, Any]) -> None:
        """Refuse a cache of another teacher, or of other data; only what `origin` names is compared.

        Raises:
            SpikeDataError: a part of its origin is another one.
        """
        if differing := [key for key, value in origin.items() if self.origin.get(key) != value]:
            raise SpikeDataError(
                f'{self.path} was made with other {", ".join(differing)}; '
                'make it again by `spikereveal data teach -opt FILE --overwrite`, or correct the option file'
            )

    def read(
        self, key: str, instant: int, size: tuple[int, int], *, rows: slice, columns: slice
    ) -> npt.NDArray[np.float32]:
        """Read the gain of a window.

        Args:
            key: the sample's name.
            instant: readout index.
            size: height and width of the sample's image.
            rows: the window's rows, with a start and a stop.
            columns: the window's columns, likewise.

        Returns:
            (rows, columns) float32, contiguous, a copy.

        Raises:
            SpikeDataError: the cache lacks the sample or the instant, or is of another size or corrupt.
        """
        where = f'{self.path}: {_name(key, instant)!r}'
        checked_span('rows', rows.start, rows.stop, size[0], where)
        checked_span('columns', columns.start, columns.stop, size[1], where)
        with self._reader.open(_name(key, instant)) as raw:
            entry = self._reader.entries[_name(key, instant)]
            dtype = _DTYPES.get(entry.note)
            if dtype is None or entry.shape != size or len(raw) != size[0] * size[1] * dtype.itemsize:
                raise SpikeDataError(
                    f'{where}: {len(raw)} bytes of {entry.note} {entry.shape} are stored, the image is {size}; '
                    'the record is corrupt or of other data: run `spikereveal data teach` with --overwrite'
                )
            gain = np.frombuffer(raw, dtype).reshape(size)
            return gain[rows, columns].astype(np.float32, order='C')


class TeacherCacheWriter:
    """Make a cache, or go on with one of the same origin; a context manager.

    Args:
        path: folder to create or to go on with.
        origin: what made the gains: the teacher's networks with their weights' hashes, and the data.
        precision: of the numbers stored.

    Raises:
        SpikeDataError: the folder is no cache, or one of another origin or precision.
    """

    def __init__(self, path: Path, origin: Mapping[str, Any], precision: Precision) -> None:
        self._precision = precision
        self._writer = GrowingLmdb(path)
        described = {**origin, 'precision': precision}
        if not (path / _ORIGIN).is_file():
            if path.exists():
                raise SpikeDataError(f'{path} exists and is no cache of a teacher; choose another path')
            write_atomically(path / _ORIGIN, (json.dumps(described, indent=2) + '\n').encode())
        former = read_origin(path)
        if differing := [key for key in {**described, **former} if described.get(key) != former.get(key)]:
            raise SpikeDataError(
                f'{path} was made with other {", ".join(differing)}; --overwrite makes it again, -o makes another one'
            )

    def __enter__(self) -> 'TeacherCacheWriter':
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    def put(self, key: str, instant: int, gain: npt.NDArray[np.float32]) -> None:
        """Store the gain (H, W) of one sample at one instant; above `GAIN_LIMIT` it is cut to it.

        Raises:
            SpikeDataError: the key cannot be a key, `gain` is not two-dimensional or finite, or the disk is full.
        """
        where = f'{self._writer.path}: {_name(key, instant)!r}'
        if gain.ndim != 2 or np.isnan(gain).any() or (gain < 0).any():
            raise SpikeDataError(f'{where}: expected (H, W) gains of 0 or more; are the weights of the teacher sound?')
        payload = np.minimum(gain, GAIN_LIMIT).astype(_DTYPES[self._precision]).tobytes()
        self._writer.put(f'{_name(key, instant)}.gain', gain.shape, payload, self._precision)


def read_origin(path: Path) -> dict[str, Any]:
    """Return what `teacher.json` says.

    Raises:
        SpikeDataError: it is not readable.
    """
    try:
        origin = read_json(path / _ORIGIN)
    except SpikeDataError as error:
        raise SpikeDataError(f'{path / _ORIGIN} cannot be read: {error}') from error
    if not isinstance(origin, dict):
        raise SpikeDataError(f'{path / _ORIGIN}: expected a JSON object')
    return origin


def delete_cache(path: Path) -> None:
    """Delete a teacher's cache, and nothing else.

    Raises:
        SpikeDataError: the folder is not one.
    """
    if not path.exists():
        return
    if not (path / _ORIGIN).is_file():
        raise SpikeDataError(f'{path} is no cache of a teacher, so it is not replaced')
    if others := sorted({entry.name for entry in path.iterdir()} - {str(name) for name in CACHE_FILES}):
        raise SpikeDataError(f'{path / others[0]} is not of the cache, so {path} is not replaced; move it elsewhere')
    remove_own(path, CACHE_FILES)


def bytes_per_pixel(precision: Precision) -> int:
    """Bytes that one pixel of one instant takes."""
    return _DTYPES[precision].itemsize


def _name(key: str, instant: int) -> str:
    return f'{key}/{instant:03d}'
