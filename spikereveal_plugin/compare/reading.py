"""Images on disk as frames, with errors that name the file, and their hash."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.recordings.image_file import image_size
from spikereveal_plugin.recordings.photo import PHOTO_SUFFIXES, load_photo
from spikereveal_plugin.recordings.sources import files_by_key

Frame = npt.NDArray[np.float32]  # (H, W, 3) RGB in [0, 1]


def list_images(root: Path) -> dict[str, Path]:
    """Return the images below a folder by relative path without suffix, sorted.

    Raises:
        SpikeDataError: there is no folder or no image, or two files are one image.
    """
    return files_by_key(root, PHOTO_SUFFIXES, 'image')


def load_frame(path: Path) -> Frame:
    """Read an image of 8 or 16 bits or floats.

    Raises:
        SpikeDataError: it is missing or damaged, or holds NaN or values outside of [0, 1].
    """
    frame = load_photo(path).pixels
    check_frame(frame, str(path))
    return frame


def frame_size(path: Path) -> tuple[int, int]:
    """Return (H, W), from the file's header where there is a reader of it.

    Raises:
        SpikeDataError: the file is missing or damaged.
    """
    try:
        return image_size(path.absolute())
    except SpikeDataError:  # floats, or no image
        height, width, _ = load_frame(path).shape
        return height, width


def check_frame(frame: Frame, where: str) -> None:
    """Refuse values that are no numbers in [0, 1]; `where` names the file or method.

    Raises:
        SpikeDataError: there are such values.
    """
    broken = int(np.count_nonzero(~np.isfinite(frame)))
    if broken:
        raise SpikeDataError(f'{where}: {broken} values are NaN or infinite; expected numbers in [0, 1]')
    low, high = float(frame.min()), float(frame.max())
    if low < 0 or high > 1:
        raise SpikeDataError(f'{where}: expected values in [0, 1], found [{low:.4g}, {high:.4g}]')


def digest(parts: Iterable[bytes | str | memoryview]) -> str:
    """Return the SHA-256, in hexadecimal, of parts; where one ends matters."""
    total = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        total.update(hashlib.sha256(raw).digest())
    return total.hexdigest()


def digest_files(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of files' bytes in order.

    Raises:
        SpikeDataError: one cannot be read.
    """
    return digest(_read(path) for path in paths)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SpikeDataError(f'{path}: cannot be read: {error.strerror}') from None


@contextmanager
def named(where: str) -> Iterator[None]:
    """Put before an error what it is about."""
    try:
        yield
    except (OptionError, SpikeDataError) as error:
        raise type(error)(f'{where}: {error}') from None
