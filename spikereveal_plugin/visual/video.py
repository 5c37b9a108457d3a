"""Videos of restored sequences that browsers and phones play: H.264 in MP4, VP9 in WebM."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import part_of, remove_torn

Image = npt.NDArray[np.uint8]
Write = Callable[[Image], object]
CODECS: Final[Mapping[str, tuple[str, dict[str, str], dict[str, str]]]] = {  # encoder, its options, the file's
    '.mp4': ('libx264', {'crf': '17', 'preset': 'medium'}, {'movflags': '+faststart'}),
    '.webm': ('libvpx-vp9', {'crf': '24', 'b:v': '0', 'cpu-used': '4'}, {}),
}
FALLBACK: Final = 'mp4v'
_log = logging.getLogger('spikereveal')


def save_video(path: Path, frames: Iterable[npt.NDArray[Any]], fps: float = 10.0) -> int:
    """Write a video and check that it can be read back.

    Its colours are halved in size (yuv420p), which every player wants and which takes even sizes: an odd height or
    width grows by one repeated row or column. Where PyAV or its encoder is absent an MP4 is written by OpenCV as
    MPEG-4 part 2, which browsers do not play, and a warning says so.

    Args:
        path: ends in `.mp4` or `.webm`; its folder is made.
        frames: (H, W, 3) RGB uint8, all of one size; consumed one at a time.
        fps: frames per second, positive.

    Returns:
        Number of frames written.

    Raises:
        OSError: the disk is full.
        SpikeDataError: there is no frame, no encoder, or the file does not hold the frames written.
        ValueError: a frame is of another form or size, or `fps` is not positive.
    """
    if path.suffix.lower() not in CODECS:
        raise SpikeDataError(f'{path}: expected a name that ends in {" or ".join(CODECS)}')
    if fps <= 0:
        raise ValueError(f'{path}: {fps} frames per second, expected a positive number')
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise SpikeDataError(f'{path}: there is no frame to write')
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_torn(path, path.suffix)
    part = part_of(path, path.suffix)
    try:
        count = _encode(part, chain((first,), iterator), first.shape, fps)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count


def _encode(path: Path, frames: Iterable[Image], shape: tuple[int, ...], fps: float) -> int:
    count = 0
    height, width = shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
    with _writer(path, height, width, fps) as write:
        for frame in frames:
            write(_even(frame, shape, path))
            count += 1
    _check_written(path, count)
    return count


@contextmanager
def _writer(path: Path, height: int, width: int, fps: float) -> Iterator[Write]:
    """Open a file of frames (height, width, 3) RGB."""
    encoder, how, container = CODECS[path.suffix.lower()]
    if (av := _av(encoder)) is None:
        with _opencv_writer(path, height, width, fps) as write:
            yield write
        return
    with av.open(str(path), 'w', options=container) as file:
        stream = file.add_stream(encoder, rate=Fraction(fps).limit_denominator(1001), options=how)
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        yield lambda frame: file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
        file.mux(stream.encode())


def _av(encoder: str) -> Any:
    """PyAV, if it is there and has the encoder."""
    try:
        import av  # noqa: PLC0415  (a fifth of a second)
    except ImportError:
        return None
    av.logging.set_level(av.logging.PANIC)  # x264's own talk
    return av if encoder in av.codecs_available else None


@contextmanager
def _opencv_writer(path: Path, height: int, width: int, fps: float) -> Iterator[Write]:
    """Write MPEG-4 part 2, the one codec that every build of OpenCV has."""
    if path.suffix.lower() != '.mp4':
        raise SpikeDataError(f'{path}: VP9 needs PyAV (pip install av); or give a name that ends in .mp4')
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*FALLBACK), fps, (width, height))
    if not writer.isOpened():
        raise SpikeDataError(f'{path}: OpenCV cannot write an {FALLBACK} video here; is the folder writable?')
    _log.warning('%s: MPEG-4 part 2, which browsers do not play; for H.264: pip install av', path)
    try:
        yield lambda frame: writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    finally:
        writer.release()


def _even(frame: npt.NDArray[Any], shape: tuple[int, ...], path: Path) -> Image:
    """Return the frame, of even size."""
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.shape != shape:
        raise ValueError(f'{path}: expected {shape} RGB uint8 as the first frame, got {frame.shape} {frame.dtype}')
    height, width = shape[:2]
    return np.ascontiguousarray(np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge'))


def _check_written(path: Path, count: int) -> None:
    """Decode the file and compare its number of frames with `count`."""
    video = cv2.VideoCapture(str(path))
    frames_there = 0
    while video.grab():
        frames_there += 1
    video.release()
    if frames_there != count:
        raise SpikeDataError(f'{path}: {count} frames were written, {frames_there} can be read back; is the disk full?')
