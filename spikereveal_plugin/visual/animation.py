"""Animated pictures: MP4, WebM, GIF, or a sheet of the frames as PNG, by the file's name."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.visual.contact_sheet import save_png
from spikereveal_plugin.visual.video import CODECS, save_video

Image = npt.NDArray[np.uint8]
ANIMATION_SUFFIXES = (*CODECS, '.gif', '.png')


def save_animation(path: Path, frames: Iterable[Image], fps: float) -> int:
    """Write frames in the format that the suffix names; a PNG holds them one below the other.

    Args:
        path: ends in `.mp4`, `.webm`, `.gif` or `.png`; its folder is made.
        frames: (H, W, 3) RGB uint8, all of one size.
        fps: frames per second, positive.

    Returns:
        Number of frames written.

    Raises:
        SpikeDataError: the name ends otherwise, or there is no frame.
        ValueError: `fps` is not positive.
    """
    suffix = path.suffix.lower()
    if suffix in CODECS:
        return save_video(path, frames, fps)
    if suffix not in ANIMATION_SUFFIXES:
        raise SpikeDataError(f'{path}: expected a name that ends in {", ".join(ANIMATION_SUFFIXES)}')
    if fps <= 0:
        raise ValueError(f'{path}: {fps} frames per second, expected a positive number')
    pictures = list(frames)
    if not pictures:
        raise SpikeDataError(f'{path}: there is no frame to write')
    if suffix == '.png':
        save_png(path, np.vstack(pictures))
    else:
        buffer = io.BytesIO()
        first, *rest = (PilImage.fromarray(picture) for picture in pictures)
        # A GIF counts in hundredths of a second, and viewers slow down what is faster than two of them.
        duration = max(20, round(1000 / fps))
        first.save(buffer, 'GIF', save_all=True, append_images=rest, duration=duration, loop=0)
        write_atomically(path, buffer.getvalue())
    return len(pictures)
