"""Spike streams in LMDB: one bit per pixel, least significant bit first, top row first.

Each row starts at a whole byte, so that a crop of a window is read without decoding the rest.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.bits import checked_span, checked_spikes
from spikereveal_plugin.formats.lmdb_store import LmdbEntry, LmdbReader, LmdbRecord, LmdbWriter
from spikereveal_plugin.formats.names import check_name

_EXTENSION = 'spike'
_BLOCK = 4
_EXPOSURE = re.compile(r'exposure=(\d+)\+(\d+)')


@dataclass(frozen=True)
class SpikeRecord:
    """What `meta_info.txt` states about one stream: its size, and the readouts inside the blurry image's exposure.

    Raises:
        SpikeDataError: a size is below 1, or the exposure is empty or leaves the stream.
    """

    num_readouts: int
    height: int
    width: int
    exposure_first: int
    exposure_length: int

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise SpikeDataError(f'spike record: sizes must be 1 or more, got {self.shape}')
        stop = self.exposure_first + self.exposure_length
        checked_span('exposure', self.exposure_first, stop, self.num_readouts, 'spike record')

    @property
    def exposure(self) -> Exposure:
        """The readouts inside the photo's exposure."""
        return Exposure(self.exposure_first, self.exposure_length)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, h, w)."""
        return self.num_readouts, self.height, self.width

    @property
    def row_bytes(self) -> int:
        """Bytes that one row takes."""
        return (self.width + 7) // 8

    @property
    def num_bytes(self) -> int:
        """Bytes that the whole stream takes."""
        return self.num_readouts * self.height * self.row_bytes


class SpikeLmdb:
    """Read streams, or crops of windows of them, that `SpikeLmdbWriter` wrote; safe to fork and to pickle.

    Args:
        path: folder `name.lmdb`.

    Raises:
        SpikeDataError: the folder or its `meta_info.txt` is absent or does not describe spike streams.
    """

    def __init__(self, path: Path) -> None:
        self._reader = LmdbReader(path)
        self.records: dict[str, SpikeRecord] = {
            check_name(key, f'{path}/meta_info.txt'): _record(entry, f'{path}: {key!r}')
            for key, entry in self._reader.entries.items()
        }

    @property
    def path(self) -> Path:
        """The LMDB folder."""
        return self._reader.path

    @property
    def keys(self) -> tuple[str, ...]:
        """Every stream's name, in the order of writing."""
        return self._reader.keys

    def read(  # noqa: PLR0913  (a window and a crop are two spans each of three axes)
        self,
        key: str,
        *,
        start: int = 0,
        stop: int | None = None,
        top: int = 0,
        left: int = 0,
        height: int | None = None,
        width: int | None = None,
        out: npt.NDArray[np.uint8] | None = None,
    ) -> npt.NDArray[np.uint8]:
        """Read readouts [start, stop) of the pixels [top, top + height) x [left, left + width).

        Args:
            key: the stream's name.
            start: first readout.
            stop: readout after the last; the stream's end by default.
            top: first row, counted from the image's top.
            left: first column.
            height: rows; down to the bottom by default.
            width: columns; up to the right edge by default.
            out: where to put them, (stop - start, height, width), also a turned view of an array.

        Returns:
            (stop - start, height, width), 0 or 1, a copy: `out`, or a contiguous array.

        Raises:
            SpikeDataError: the key is absent, the window or the crop is empty or leaves the stream, or the stored
                bytes do not have the declared size.
        """
        with self._reader.open(key) as raw:
            record, where = self.records[key], f'{self.path}: {key!r}'
            stop = record.num_readouts if stop is None else stop
            bottom = record.height if height is None else top + height
            right = record.width if width is None else left + width
            checked_span('readouts', start, stop, record.num_readouts, where)
            checked_span('rows', top, bottom, record.height, where)
            checked_span('columns', left, right, record.width, where)
            if len(raw) != record.num_bytes:
                raise SpikeDataError(
                    f'{where}: {len(raw)} bytes are stored but {record.shape} needs {record.num_bytes}; '
                    'the record is corrupt: build the LMDB again'
                )
            rows = np.frombuffer(raw, np.uint8).reshape(record.num_readouts, record.height, record.row_bytes)
            crop = rows[start:stop, top:bottom, left // 8 : (right + 7) // 8]
            if out is None:
                out = np.empty((stop - start, bottom - top, right - left), np.uint8)
            for first in range(0, stop - start, _BLOCK):  # a few readouts at a time stay in the processor's cache
                bits = np.unpackbits(crop[first : first + _BLOCK], axis=2, bitorder='little')
                out[first : first + _BLOCK] = bits[:, :, left % 8 : left % 8 + right - left]
        return out


class SpikeLmdbWriter:
    """Write streams; a context manager, the LMDB is there once it is left without an error.

    Args:
        path: folder `name.lmdb` to create.

    Raises:
        SpikeDataError: the folder exists or is not named `*.lmdb`.
    """

    def __init__(self, path: Path) -> None:
        self._writer = LmdbWriter(path)

    def __enter__(self) -> 'SpikeLmdbWriter':
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    def put(self, key: str, spikes: npt.NDArray[Any], exposure_first: int, exposure_length: int) -> None:
        """Store one stream.

        Args:
            key: name without extension, such as `seq/000019`.
            spikes: (T, h, w), top row first, bool or 0 and 1.
            exposure_first: first readout inside the blurry image's exposure.
            exposure_length: number of readouts inside it.

        Raises:
            SpikeDataError: the key is a duplicate or cannot be a key, `spikes` is not a stream, or the exposure is
                empty or leaves it.
        """
        where = f'{self._writer.path}: {key!r}'
        self._writer.put_record(key, encode_spikes(spikes, exposure_first, exposure_length, where))


def encode_spikes(
    spikes: npt.NDArray[Any], exposure_first: int, exposure_length: int, where: str = 'spikes'
) -> LmdbRecord:
    """Return the record of one stream.

    Args:
        spikes: (T, h, w), top row first, bool or 0 and 1.
        exposure_first: first readout inside the blurry image's exposure.
        exposure_length: number of readouts inside it.
        where: what to call the stream in an error.

    Raises:
        SpikeDataError: `spikes` is not a stream, or the exposure is empty or leaves it.
    """
    fired = checked_spikes(spikes, where)
    num_readouts, height, width = fired.shape
    record = SpikeRecord(num_readouts, height, width, exposure_first, exposure_length)
    payload = np.packbits(fired, axis=2, bitorder='little').tobytes()
    return LmdbRecord(LmdbEntry(_EXTENSION, record.shape, f'exposure={exposure_first}+{exposure_length}'), payload)


def _record(entry: LmdbEntry, where: str) -> SpikeRecord:
    """Turn a line of `meta_info.txt` into a record."""
    exposure = _EXPOSURE.fullmatch(entry.note)
    if entry.extension != _EXTENSION or len(entry.shape) != 3 or exposure is None:
        raise SpikeDataError(
            f'{where}: expected a line such as `seq/000019.spike (137,180,320) exposure=20+97` in meta_info.txt; '
            'is this an LMDB of spikes?'
        )
    num_readouts, height, width = entry.shape
    return SpikeRecord(num_readouts, height, width, int(exposure[1]), int(exposure[2]))
