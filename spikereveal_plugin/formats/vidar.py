"""The spike camera's raw `.dat` (Vidar): one bit per pixel, least significant bit first, bottom row first.

Readouts follow one another without a header; each is padded with zero bits to a whole byte.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.bits import checked_span, checked_spikes

Raw = bytes | bytearray | memoryview | npt.NDArray[np.uint8]


def readout_bytes(height: int, width: int) -> int:
    """Return the bytes that one readout of a `height` x `width` sensor takes.

    Raises:
        SpikeDataError: a size is below 1.
    """
    if height < 1 or width < 1:
        raise SpikeDataError(f'the sensor size must be 1x1 or more, got {height}x{width}')
    return (height * width + 7) // 8


def are_whole_readouts(num_bytes: int, height: int, width: int) -> bool:
    """Say whether bytes are one or more whole readouts of a sensor; of none that has no pixels."""
    return min(height, width) > 0 and num_bytes > 0 and num_bytes % readout_bytes(height, width) == 0


def pack_spikes(spikes: npt.NDArray[Any], *, flip: bool = True) -> bytes:
    """Encode a stream.

    Args:
        spikes: (T, h, w), top row first, bool or 0 and 1.
        flip: store the bottom row first, as the camera does.

    Raises:
        SpikeDataError: `spikes` has another shape or other values.
    """
    fired = checked_spikes(spikes, 'pack_spikes')
    rows = fired[:, ::-1] if flip else fired
    return np.packbits(rows.reshape(len(fired), -1), axis=1, bitorder='little').tobytes()


def unpack_spikes(raw: Raw, height: int, width: int, *, flip: bool = True) -> npt.NDArray[np.bool_]:
    """Decode a stream.

    Args:
        raw: the bytes of one or more whole readouts.
        height: the sensor's rows.
        width: the sensor's columns.
        flip: the bottom row is stored first, as the camera does.

    Returns:
        (T, height, width), top row first, true where a pixel fired; a view that need not be contiguous.

    Raises:
        SpikeDataError: `raw` is empty, is not a whole number of readouts, or has a bit set in a readout's padding.
    """
    data = raw if isinstance(raw, np.ndarray) else np.frombuffer(raw, np.uint8)
    if data.dtype != np.uint8:
        raise SpikeDataError(f'raw spikes: expected bytes (uint8), got an array of {data.dtype}')
    count = _whole_readouts(data.size, height, width, 'raw spikes')
    pixels = height * width
    bits = np.unpackbits(data, bitorder='little').reshape(count, -1)
    if bits[:, pixels:].any():
        raise SpikeDataError(
            f'raw spikes: padding bits after {height}x{width} pixels are set, so the sensor size is very probably wrong'
        )
    spikes = bits[:, :pixels].reshape(count, height, width).view(np.bool_)
    return spikes[:, ::-1] if flip else spikes


def count_readouts(path: Path, height: int, width: int, header: int = 0) -> int:
    """Return how many readouts a `.dat` file of a `height` x `width` sensor holds after `header` bytes.

    Raises:
        SpikeDataError: the file is absent, empty, or not a whole number of readouts.
    """
    if not path.is_file():
        raise SpikeDataError(f'{path}: there is no such file')
    return _whole_readouts(max(0, path.stat().st_size - header), height, width, str(path))


def read_vidar(  # noqa: PLR0913  (a file, its sensor and a window)
    path: Path, height: int, width: int, *, start: int = 0, stop: int | None = None, flip: bool = True
) -> npt.NDArray[np.bool_]:
    """Read readouts [start, stop) of a `.dat` file, and only their bytes.

    Args:
        path: the file.
        height: the sensor's rows.
        width: the sensor's columns.
        start: first readout.
        stop: readout after the last; the file's end by default.
        flip: the bottom row is stored first, as the camera does.

    Returns:
        (stop - start, height, width), top row first, true where a pixel fired; a view that need not be contiguous.

    Raises:
        SpikeDataError: the file is absent, empty, not a whole number of readouts or has padding bits set, or the
            window is empty or leaves the file.
    """
    count = count_readouts(path, height, width)
    stop = count if stop is None else stop
    checked_span('readouts', start, stop, count, str(path))
    return read_readouts(path, height, width, start, stop, flip=flip)


def read_readouts(  # noqa: PLR0913  (a file, its sensor and a window)
    path: Path, height: int, width: int, start: int, stop: int, *, flip: bool = True, header: int = 0
) -> npt.NDArray[np.bool_]:
    """Read readouts [start, stop) as `read_vidar` does, of a file whose number of readouts is known already.

    Args:
        path: the file.
        height: the sensor's rows.
        width: the sensor's columns.
        start: first readout.
        stop: readout after the last, inside the file.
        flip: the bottom row is stored first, as the camera does.
        header: bytes before the first readout.

    Raises:
        SpikeDataError: a readout's padding bits are set.
    """
    size = readout_bytes(height, width)
    window = np.memmap(path, np.uint8, mode='r', offset=header + start * size, shape=((stop - start) * size,))
    try:
        return unpack_spikes(window, height, width, flip=flip)
    except SpikeDataError as error:
        raise SpikeDataError(f'{path}: {error}') from error


def write_vidar(path: Path, spikes: npt.NDArray[Any], *, flip: bool = True) -> None:
    """Write a `.dat` file, whole or not at all.

    Args:
        path: file to create or to replace.
        spikes: (T, h, w), top row first, bool or 0 and 1.
        flip: store the bottom row first, as the camera does.

    Raises:
        SpikeDataError: `spikes` has another shape or other values.
    """
    write_atomically(path, pack_spikes(spikes, flip=flip))


def _whole_readouts(num_bytes: int, height: int, width: int, where: str) -> int:
    """Divide a byte count into readouts, or refuse it."""
    size = readout_bytes(height, width)
    count, rest = divmod(num_bytes, size)
    if count == 0 or rest:
        raise SpikeDataError(
            f'{where}: {num_bytes} bytes are not a whole number of {height}x{width} readouts ({size} bytes each, '
            f'{count} fit and {rest} bytes are left); is the sensor size right, or the file truncated?'
        )
    return count
