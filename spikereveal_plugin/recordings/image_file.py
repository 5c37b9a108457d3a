"""Image files: 8-bit, RGB inside, with errors that name the file."""

import logging
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.recordings.decode import check_size, read_picture


def load_image(path: Path) -> npt.NDArray[np.uint8]:
    """Read an image as (H, W, 3) RGB, turned as its EXIF says; a gray one gets three equal channels.

    One of 16 bits is rounded to the 8 that data sets hold, which is said once.

    Raises:
        SpikeDataError: the file is missing, no image, or holds floats.
    """
    image = read_picture(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image.dtype == np.uint16:
        _say_rounded()
        image = np.rint(image / np.float32(257)).astype(np.uint8)
    if image.dtype != np.uint8:
        raise SpikeDataError(f'{path}: expected 8 or 16 bits a channel, found {image.dtype}; convert it first')
    return np.ascontiguousarray(image[:, :, ::-1]).astype(np.uint8, copy=False)


@lru_cache(maxsize=1)
def _say_rounded() -> None:
    """Said once a process."""
    logging.getLogger('spikereveal').info('photos of 16 bits are rounded to 8, which data sets hold')


def save_image(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Write (H, W, 3) RGB in the format that the suffix names, making its folder.

    Raises:
        SpikeDataError: the image could not be encoded or written.
    """
    try:
        written, raw = cv2.imencode(path.suffix, image[:, :, ::-1])
    except cv2.error as error:
        raise SpikeDataError(f'{path}: cannot be encoded: {error.err}') from None
    if not written:
        raise SpikeDataError(f'{path}: cannot be encoded as {path.suffix}')
    write_atomically(path, raw.tobytes())


@lru_cache(maxsize=65536)
def image_size(path: Path) -> tuple[int, int]:
    """Height and width from an image's header, without decoding it.

    Raises:
        SpikeDataError: the file is missing or no image.
    """
    try:
        size = check_size(path, str(path))
    except FileNotFoundError:
        raise SpikeDataError(f'{path}: no such image') from None
    if size is None:
        raise SpikeDataError(f'{path}: not a readable image')
    return size
