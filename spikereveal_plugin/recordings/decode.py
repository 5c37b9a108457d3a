"""Pictures decoded after their size is known from their header: a few bytes may say a size that no memory holds."""

import io
import os
import re
import warnings
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from spikereveal_plugin.errors import OptionError, SpikeDataError

MOST_PIXELS: Final = 2**28
BYTES_PER_PIXEL: Final = 16  # of a picture that is not compressed at all
VARIABLE: Final = 'SPIKEREVEAL_MAX_PIXELS'
ORIENTATION: Final = 0x0112  # EXIF's tag


def decode(raw: npt.NDArray[np.uint8], where: str, flags: int) -> npt.NDArray[Any]:
    """Decode a picture's bytes.

    Args:
        raw: the bytes.
        where: what they are of, for errors.
        flags: OpenCV's.

    Returns:
        (H, W, 3) BGR.

    Raises:
        SpikeDataError: they are no picture, or one of more pixels than the limit.
    """
    if raw.size:
        check_size(io.BytesIO(raw.data), where)
    try:
        image = cv2.imdecode(raw, flags) if raw.size else None
    except cv2.error as error:
        raise SpikeDataError(f'{where}: not a readable image: {error.err}') from None
    if image is None:
        raise SpikeDataError(f'{where}: not a readable image ({raw.size} bytes)')
    return image


def read_picture(path: Path, flags: int) -> npt.NDArray[Any]:
    """Read and decode a picture's file; see `decode`.

    Raises:
        SpikeDataError: there is no such file, or as `decode`.
    """
    if not path.is_file():
        raise SpikeDataError(f'{path}: no such image')
    if (size := path.stat().st_size) > BYTES_PER_PIXEL * most_pixels():
        raise SpikeDataError(f'{path}: {size} bytes are more than any picture of {most_pixels()} pixels has')
    return decode(np.fromfile(path, np.uint8), str(path), flags)


def check_size(source: io.BytesIO | Path, where: str) -> tuple[int, int] | None:
    """Return (height, width) from a picture's header; None where only a decoder knows it.

    Raises:
        SpikeDataError: it has more pixels than the limit.
        OSError: the file cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            with Image.open(source) as image:
                size = _turned(image)
    except Image.DecompressionBombError as error:  # a limit of Pillow's own, which says how many there are
        count = re.search(r'\d+', str(error))
        _refuse(int(count[0]) if count else most_pixels() + 1, where)
        return None
    except UnidentifiedImageError:
        return None
    except FileNotFoundError:
        raise
    except Exception:  # noqa: BLE001  a damaged header, of which the decoder will say more
        return None
    _refuse(size[0] * size[1], where)
    return size


def _turned(image: Image.Image) -> tuple[int, int]:
    """Return (height, width) after the turn that the picture's EXIF says, which OpenCV does when it decodes."""
    size = (image.height, image.width)
    is_turned = image.format in ('JPEG', 'PNG', 'WEBP') and image.getexif().get(ORIENTATION) in (5, 6, 7, 8)
    return size[::-1] if is_turned else size


def most_pixels() -> int:
    """Return the limit, which the environment variable SPIKEREVEAL_MAX_PIXELS raises.

    Raises:
        OptionError: the variable is no whole number.
    """
    text = os.environ.get(VARIABLE, str(MOST_PIXELS))
    if not text.isdigit():
        raise OptionError(f'{VARIABLE}: expected a whole number, found {text!r}')
    return int(text)


def _refuse(count: int, where: str) -> None:
    if count > most_pixels():
        raise SpikeDataError(
            f'{where}: {count} pixels by its header, expected at most {most_pixels()}; if that is right, set the '
            f'environment variable {VARIABLE} to {count}'
        )
