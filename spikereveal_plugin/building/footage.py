"""Footage to simulate from: videos, and folders of numbered pictures, frame by frame."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.inputs import real
from spikereveal_plugin.formats.names import key_part, natural_order
from spikereveal_plugin.recordings.image_file import load_image

Image = npt.NDArray[np.uint8]
VIDEO_SUFFIXES = ('.mp4', '.mov', '.avi', '.mkv', '.m4v', '.webm', '.mpg', '.mpeg')
FRAME_SUFFIXES = ('.png', '.jpg', '.jpeg')

_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class Footage:
    """One sequence of frames: a video file, or a folder whose pictures are `files` in order."""

    name: str
    path: Path
    num_frames: int
    files: tuple[Path, ...] = ()

    @property
    def num_bytes(self) -> int:
        """Size of the video, or of all pictures, on disk."""
        return sum(file.stat().st_size for file in self.files or (self.path,))

    def frames(self, first: int = 0) -> Iterator[Image]:
        """Yield each frame from number `first` on, (H, W, 3) RGB.

        Raises:
            SpikeDataError: a frame cannot be read, or differs in size from the first that is read.
        """
        size: tuple[int, ...] | None = None
        places = [str(file) for file in self.files] or [f'{self.path}, frame {i}' for i in range(self.num_frames)]
        for place, frame in zip(places[first:], self._decoded(first), strict=True):
            size = size or frame.shape
            if frame.shape != size:
                raise SpikeDataError(
                    f'{place}: {frame.shape[0]}x{frame.shape[1]} (height x width), but the first frame is '
                    f'{size[0]}x{size[1]}; a sequence has one size: split it into several'
                )
            yield frame

    def _decoded(self, first: int) -> Iterator[Image]:
        if self.files:
            yield from map(load_image, self.files[first:])
            return
        video = _open_video(self.path)
        try:
            for index in range(self.num_frames):
                # Seeking is not exact in every codec, so the frames before `first` are decoded and dropped.
                has_frame, frame = (video.grab(), None) if index < first else video.read()
                if not has_frame:
                    raise SpikeDataError(
                        f'{self.path}: frame {index} of {self.num_frames} cannot be read any more; re-encode the video'
                    )
                if frame is not None:
                    yield np.ascontiguousarray(frame[:, :, ::-1])
        finally:
            video.release()


def find_footage(sources: Sequence[Path]) -> tuple[Footage, ...]:
    """List the sequences in videos, folders of pictures, and folders of either.

    A sequence is named after its file or folder, characters other than letters, digits, '-' and '_' replaced by '_'.

    Raises:
        SpikeDataError: a source is missing, unreadable or empty, or two sequences have one name.
    """
    clips = [footage for source in sources for footage in _footage_at(source)]
    if not clips:
        raise SpikeDataError('no footage was named; give a video, or a folder of frames')
    by_name: dict[str, Footage] = {}
    for footage in clips:
        if other := by_name.get(footage.name):
            raise SpikeDataError(
                f'{footage.path} and {other.path} are both named {footage.name!r}; rename one, a name is a sequence'
            )
        by_name[footage.name] = footage
    return tuple(clips)


def _footage_at(source: Path) -> list[Footage]:
    if not source.exists():
        raise SpikeDataError(f'{source}: no such video or folder')
    if source.is_file():
        return [Footage(key_part(source.stem), source, count_video_frames(source))]
    entries = sorted((entry for entry in source.iterdir() if not entry.name.startswith('.')), key=_frame_order)
    pictures = tuple(entry for entry in entries if entry.suffix.lower() in FRAME_SUFFIXES and entry.is_file())
    inner = [entry for entry in entries if entry.is_dir() or entry.suffix.lower() in VIDEO_SUFFIXES]
    if pictures and inner:
        raise SpikeDataError(
            f'{source} holds {len(pictures)} pictures and also {inner[0].name}; is it a sequence of frames or a folder '
            f'of sequences? Name the ones you want'
        )
    if pictures:
        return [Footage(key_part(real(source).name), source, len(pictures), pictures)]
    if not inner:
        raise SpikeDataError(
            f'{source} holds no video ({", ".join(VIDEO_SUFFIXES)}), picture ({", ".join(FRAME_SUFFIXES)}) or folder'
        )
    return [footage for entry in inner for footage in _footage_at(entry)]


def count_video_frames(path: Path) -> int:
    """Count the frames that can be decoded, and log a warning when the file announces more.

    Raises:
        SpikeDataError: the file is not a readable video.
    """
    video = _open_video(path)
    try:
        announced = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        count = 0
        while video.grab():
            count += 1
    finally:
        video.release()
    if not count:
        raise SpikeDataError(f'{path}: no frame can be decoded; is it a video that this OpenCV can read? Re-encode it')
    if announced > count:
        _log.warning('%s announces %d frames, but only %d can be decoded; the rest is lost', path, announced, count)
    return count


def _open_video(path: Path) -> cv2.VideoCapture:
    video = cv2.VideoCapture(str(path))
    if not video.isOpened():
        raise SpikeDataError(f'{path}: not a video that this OpenCV can open; re-encode it, or give a folder of frames')
    return video


def _frame_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Order frame_9 before frame_10, and 1 and 01 by their names."""
    return natural_order(path.name), path.name
