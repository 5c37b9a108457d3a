"""`.npy` and `.npz` read with the sizes checked before anything is allocated, and nothing unpickled."""

import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from spikereveal_plugin.errors import SpikeDataError

Array = npt.NDArray[Any]
MAX_AXES: Final = 8
# What zipfile, zlib and numpy raise over bytes that are damaged.
_DAMAGE: Final = (
    *(OSError, EOFError, ValueError, KeyError, OverflowError, MemoryError, RuntimeError, SyntaxError, TypeError),
    *(UserWarning, zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)


def load_arrays(path: Path) -> dict[str, Array]:
    """Read every array of an `.npz` by name, or the one of an `.npy` under the name ''.

    Raises:
        SpikeDataError: the file is absent, damaged, cut short, or holds objects.
    """
    if not path.is_file():
        raise SpikeDataError(f'{path}: there is no such file')
    try:
        if path.suffix.lower() == '.npy':
            with path.open('rb') as file:
                return {'': _read_npy(file, path.stat().st_size, path.name)}
        with zipfile.ZipFile(path) as archive:
            return {
                info.filename.removesuffix('.npy'): _read_member(archive, info)
                for info in archive.infolist()
                if info.filename.endswith('.npy')
            }
    except SpikeDataError as error:
        raise SpikeDataError(f'{path}: {error}') from None
    except _DAMAGE as error:
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise SpikeDataError(
            f'{path}: not a readable {path.suffix or "array"} file ({reason}); is it damaged?'
        ) from None


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    with archive.open(info) as file:
        array = _read_npy(file, info.file_size, info.filename)
        if file.read(1):  # the member's checksum is compared at its end
            raise SpikeDataError(f'{info.filename}: bytes are left after the array; the file is damaged')
    return array


def _read_npy(file: IO[bytes], num_bytes: int, name: str) -> Array:
    """Read one array whose header and data take `num_bytes` in all."""
    shape, is_fortran, dtype, header_bytes = _read_header(file)
    if dtype.hasobject:
        raise SpikeDataError(f'{name}: holds Python objects, which are not read; save plain numbers')
    if len(shape) > MAX_AXES or min(shape, default=0) < 0:
        raise SpikeDataError(f'{name}: impossible shape {shape}')
    expected = math.prod(shape) * dtype.itemsize
    if expected != num_bytes - header_bytes:
        raise SpikeDataError(
            f'{name}: an array of {shape} {dtype} takes {expected} bytes, {num_bytes - header_bytes} are there; '
            'the file is cut short or damaged'
        )
    data = bytearray(file.read(expected))  # writable, as torch wants it
    if len(data) != expected:
        raise SpikeDataError(f'{name}: {len(data)} of {expected} bytes can be read; the file is cut short')
    if dtype == np.bool_ and (np.frombuffer(data, np.uint8) > 1).any():
        raise SpikeDataError(f'{name}: holds bytes that are neither true nor false; the file is damaged')
    return np.frombuffer(data, dtype).reshape(shape, order='F' if is_fortran else 'C')


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return shape, order, type, and how many bytes the header took."""
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        if version not in ((1, 0), (2, 0)):
            raise SpikeDataError(f'.npy version {version} is unknown; expected 1.0 or 2.0')
        shape, is_fortran, dtype = read(file)
    return tuple(shape), is_fortran, dtype, file.tell()
