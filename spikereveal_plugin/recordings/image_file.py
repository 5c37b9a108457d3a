"""Image files: 8-bit, RGB inside, with errors that name the file."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.recordings.decode import check_size, read_picture


def load_image(path: Path) -> npt.NDArray[np.uint8]:
    """Read an 8-bit image as (H, W, 3) RGB; a gray one gets three equal channels.

    Raises:
        SpikeDataError: the file is missing, no image, or has more than 8 bits a channel.
    """
    image = read_picture(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image.dtype != np.uint8:
        raise SpikeDataError(f'{path}: expected 8 bits a channel, found {image.dtype}; convert it to 8 bits first')
    return np.ascontiguousarray(image[:, :, ::-1]).astype(np.uint8, copy=False)


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
