"""Images in LMDB that stock BasicSR reads too: the stored bytes are image files, PPM (`P6`) or PNG.

A PPM is a header and then R, G, B bytes row by row, so a crop is copied straight from the memory map.
"""

from pathlib import Path
from types import TracebackType
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.bits import checked_span
from spikereveal_plugin.formats.lmdb_store import LmdbEntry, LmdbReader, LmdbRecord, LmdbWriter
from spikereveal_plugin.formats.names import check_name
from spikereveal_plugin.recordings.decode import decode

_PNG_LEVEL = 1
Image = npt.NDArray[np.uint8]
Kind = Literal['ppm', 'png']


class ImageLmdb:
    """Read images, or crops of them; safe to fork and to pickle.

    Args:
        path: folder `name.lmdb`, written by `ImageLmdbWriter` or by BasicSR's tools.

    Raises:
        SpikeDataError: the folder or its `meta_info.txt` is absent or does not describe images.
    """

    def __init__(self, path: Path) -> None:
        self._reader = LmdbReader(path)
        self.shapes: dict[str, tuple[int, int]] = {}
        for key, entry in self._reader.entries.items():
            check_name(key, f'{path}/meta_info.txt')
            if len(entry.shape) != 3 or entry.shape[2] not in (1, 3):
                raise SpikeDataError(
                    f'{path}: {key!r}: expected a line such as `{key}.png (720,1280,3) 1` in meta_info.txt; '
                    'is this an LMDB of images?'
                )
            self.shapes[key] = entry.shape[0], entry.shape[1]

    @property
    def path(self) -> Path:
        """The LMDB folder."""
        return self._reader.path

    @property
    def keys(self) -> tuple[str, ...]:
        """Every image's name, in the order of writing."""
        return self._reader.keys

    def read(
        self, key: str, *, top: int = 0, left: int = 0, height: int | None = None, width: int | None = None
    ) -> Image:
        """Read the pixels [top, top + height) x [left, left + width).

        Args:
            key: the image's name.
            top: first row.
            left: first column.
            height: rows; down to the bottom by default.
            width: columns; up to the right edge by default.

        Returns:
            (height, width, 3) RGB, contiguous, a copy.

        Raises:
            SpikeDataError: the key is absent, the crop is empty or leaves the image, or the stored bytes are not an
                image of the declared size.
        """
        with self._reader.open(key) as raw:
            full_height, full_width = self.shapes[key]
            where = f'{self.path}: {key!r}'
            bottom = full_height if height is None else top + height
            right = full_width if width is None else left + width
            checked_span('rows', top, bottom, full_height, where)
            checked_span('columns', left, right, full_width, where)
            pixels = _pixels(raw, full_height, full_width, where)
            return pixels[top:bottom, left:right].copy()


class ImageLmdbWriter:
    """Write images; a context manager, the LMDB is there once it is left without an error.

    Args:
        path: folder `name.lmdb` to create.
        kind: `ppm`, large and the fastest to crop, or `png`, smaller and decoded whole for each crop.

    Raises:
        SpikeDataError: the folder exists or is not named `*.lmdb`.
        ValueError: `kind` is neither.
    """

    def __init__(self, path: Path, kind: Kind = 'ppm') -> None:
        if kind not in ('ppm', 'png'):
            raise ValueError(f"image LMDB {path}: kind must be 'ppm' or 'png', got {kind!r}")
        self._kind = kind
        self._writer = LmdbWriter(path)

    def __enter__(self) -> 'ImageLmdbWriter':
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    def put(self, key: str, image: Image) -> None:
        """Store one image.

        Args:
            key: name without extension, such as `seq/000019`.
            image: (H, W, 3) RGB uint8.

        Raises:
            SpikeDataError: the key is a duplicate or cannot be a key, or `image` has another form.
        """
        self._writer.put_record(key, encode_image(image, self._kind, f'{self._writer.path}: {key!r}'))


def encode_image(image: Image, kind: Kind, where: str = 'image') -> LmdbRecord:
    """Return the record of one image.

    Args:
        image: (H, W, 3) RGB uint8.
        kind: `ppm` or `png`.
        where: what to call the image in an error.

    Raises:
        SpikeDataError: `image` has another form.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise SpikeDataError(f'{where}: an image must be (H, W, 3) RGB uint8, got {image.shape} {image.dtype}')
    height, width, _ = image.shape
    if kind == 'ppm':
        return LmdbRecord(LmdbEntry(kind, image.shape, '0'), _ppm_header(height, width) + image.tobytes())
    _, encoded = cv2.imencode('.png', image[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    return LmdbRecord(LmdbEntry(kind, image.shape, str(_PNG_LEVEL)), encoded.tobytes())


def _ppm_header(height: int, width: int) -> bytes:
    """Return what precedes the pixels in the PPM files that `ImageLmdbWriter` stores."""
    return f'P6\n{width} {height}\n255\n'.encode('ascii')


def _pixels(raw: memoryview, height: int, width: int, where: str) -> Image:
    """Return an image's RGB pixels: a view of `raw` where it is our PPM, else decoded."""
    header = _ppm_header(height, width)
    if raw[: len(header)] == header:
        if len(raw) != len(header) + height * width * 3:
            raise SpikeDataError(
                f'{where}: {len(raw)} bytes are stored but a PPM of {height}x{width} needs '
                f'{len(header) + height * width * 3}; the record is corrupt: build the LMDB again'
            )
        return np.frombuffer(raw, np.uint8, offset=len(header)).reshape(height, width, 3)
    data = np.frombuffer(raw, np.uint8)
    decoded = decode(data, where, cv2.IMREAD_COLOR)
    if decoded.shape[:2] != (height, width):
        raise SpikeDataError(
            f'{where}: meta_info.txt says {height}x{width}, the stored image is '
            f'{decoded.shape[0]}x{decoded.shape[1]}; build the LMDB again'
        )
    pixels: Image = decoded[:, :, ::-1]
    return pixels
