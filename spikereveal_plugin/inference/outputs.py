"""Frames to pictures, a video or a GIF; each file is whole or not there, and nothing keeps all frames."""

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.system_error import reason
from spikereveal_plugin.recordings.photo import quantise
from spikereveal_plugin.visual.video import save_video

PICTURES: Final = ('png', 'jpg', 'jpeg', 'tif', 'tiff')
"""A file for each frame; JPEGs have 8 bits a channel"""
KINDS: Final = (*PICTURES, 'mp4', 'webm', 'gif')
JPEG_QUALITY: Final = 95
Frames = Iterable[npt.NDArray[np.float32]]


class OutputError(SpikeRevealError, OSError):
    """A result could not be written, such as on a full disk or into a folder that is read-only."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says about `path` into an `OutputError`."""
    try:
        yield
    except SpikeRevealError:
        raise
    except OSError as error:
        raise OutputError(f'{path}: cannot be written: {reason(error)}') from error


def make_folder(path: Path) -> None:
    """Make a folder and find out now, not after the work, that nothing can be written there.

    Raises:
        OutputError: a file is in the way, or the folder is read-only.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f'.{os.getpid()}.probe'
        probe.touch()
        probe.unlink()


def write_picture(path: Path, frame: npt.NDArray[np.float32], bits: int = 8) -> None:
    """Write (H, W, 3) RGB in [0, 1] as its suffix says, of 8 or 16 bits a channel."""
    suffix = path.suffix.lower()
    bits = 8 if suffix in ('.jpg', '.jpeg') else bits
    image = np.ascontiguousarray(quantise(frame, bits)[:, :, ::-1])
    encoded, raw = cv2.imencode(suffix, image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if 'jp' in suffix else [])
    if not encoded:
        raise OutputError(f'{path}: OpenCV cannot encode a picture of shape {frame.shape}')
    with writing(path):
        write_atomically(path, raw.tobytes())


def write_pictures(folder: Path, frames: Frames, kind: str, bits: int = 8) -> list[Path]:
    """Write `000.png`, `001.png`, ... of a kind of `PICTURES`, and return their paths."""
    paths = []
    for index, frame in enumerate(frames):
        paths.append(folder / f'{index:03d}.{kind}')
        write_picture(paths[-1], frame, bits)
    return paths


def write_video(path: Path, frames: Frames, fps: float) -> None:
    """Write an MP4 or a WebM, as the suffix says, of 8-bit frames."""
    with writing(path):
        save_video(path, (quantise(frame) for frame in frames), fps)


def write_gif(path: Path, frames: Frames, fps: float) -> None:
    """Write a GIF that repeats; 256 colours a frame, so memory grows by a byte per pixel and frame."""
    pictures = (Image.fromarray(quantise(frame)).quantize(256) for frame in frames)
    first = next(pictures, None)
    if first is None:
        raise OutputError(f'{path}: there is no frame to write')
    buffer = io.BytesIO()
    options: dict[str, Any] = {'save_all': True, 'append_images': pictures, 'duration': round(1000 / fps), 'loop': 0}
    first.save(buffer, format='GIF', **options)
    with writing(path):
        write_atomically(path, buffer.getvalue())


def beside(left: npt.NDArray[np.float32], frames: Frames) -> Iterator[npt.NDArray[np.float32]]:
    """Yield each frame with another picture of its height, such as the blurry photo, to its left."""
    for frame in frames:
        yield np.concatenate((left, frame), axis=1)
