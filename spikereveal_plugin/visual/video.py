"""Videos of restored sequences."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError

_CODEC = 'mp4v'


def save_video(path: Path, frames: Iterable[npt.NDArray[Any]], fps: float = 10.0) -> int:
    """Write an MP4 and check that it can be read back.

    The codec wants even sizes, so an odd height or width grows by one repeated row or column.

    Args:
        path: ends in `.mp4`; its folder is made.
        frames: (H, W, 3) RGB uint8, all of one size; consumed one at a time.
        fps: frames per second, positive.

    Returns:
        Number of frames written.

    Raises:
        SpikeDataError: there is no frame, OpenCV has no encoder, or the file does not hold the frames written.
        ValueError: a frame is of another form or size, or `fps` is not positive.
    """
    if path.suffix.lower() != '.mp4':
        raise SpikeDataError(f'{path}: expected a name that ends in .mp4')
    if fps <= 0:
        raise ValueError(f'{path}: {fps} frames per second, expected a positive number')
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise SpikeDataError(f'{path}: there is no frame to write')
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = _open_writer(path, _encodable(first, first.shape, path), fps)
    count = 0
    try:
        for frame in _chain(first, iterator):
            writer.write(_encodable(frame, first.shape, path))
            count += 1
    finally:
        writer.release()
    _check_written(path, count)
    return count


def _chain(first: npt.NDArray[Any], rest: Iterable[npt.NDArray[Any]]) -> Iterable[npt.NDArray[Any]]:
    yield first
    yield from rest


def _open_writer(path: Path, frame: npt.NDArray[np.uint8], fps: float) -> cv2.VideoWriter:
    height, width = frame.shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*_CODEC), fps, (width, height))
    if not writer.isOpened():
        raise SpikeDataError(f'{path}: OpenCV cannot write an {_CODEC} video here; is the folder writable?')
    return writer


def _encodable(frame: npt.NDArray[Any], shape: tuple[int, ...], path: Path) -> npt.NDArray[np.uint8]:
    """Return the frame as BGR of even size."""
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.shape != shape:
        raise ValueError(f'{path}: expected {shape} RGB uint8 as the first frame, got {frame.shape} {frame.dtype}')
    height, width = shape[:2]
    bgr = frame[:, :, ::-1]
    if height % 2 or width % 2:
        bgr = np.pad(bgr, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
    return np.ascontiguousarray(bgr)


def _check_written(path: Path, count: int) -> None:
    """Decode the file and compare its number of frames with `count`."""
    video = cv2.VideoCapture(str(path))
    frames_there = 0
    while video.grab():
        frames_there += 1
    video.release()
    if frames_there != count:
        raise SpikeDataError(f'{path}: {count} frames were written, {frames_there} can be read back; is the disk full?')
