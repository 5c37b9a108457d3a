"""Photos of 8 or 16 bits, or floats, from any file that OpenCV reads."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.recordings.decode import read_picture

PHOTO_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.ppm', '.webp')
_FULL = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}


@dataclass(frozen=True)
class Photo:
    """RGB (H, W, 3) float32 in [0, 1], and how many bits a channel had in the file (32: floats)."""

    pixels: npt.NDArray[np.float32]
    bits: int


def load_photo(path: Path) -> Photo:
    """Read a photo, turned as its EXIF says; a gray one gets three equal channels, transparency is left out.

    Raises:
        SpikeDataError: the file is missing, no image, or of another type than 8 or 16 bits or 32-bit floats.
    """
    image = read_picture(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    full = _FULL.get(image.dtype)
    if full is None:
        raise SpikeDataError(f'{path}: expected 8 or 16 bits a channel or 32-bit floats, found {image.dtype}')
    pixels = image[:, :, ::-1].astype(np.float32) / np.float32(full)
    return Photo(np.ascontiguousarray(pixels), 8 * image.dtype.itemsize)


def quantise(frame: npt.NDArray[np.float32], bits: int = 8) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Return a frame in [0, 1] rounded to 8 or 16 bits."""
    if bits == 8:
        return np.rint(frame * 255).astype(np.uint8)
    return np.rint(frame * 65535).astype(np.uint16)
