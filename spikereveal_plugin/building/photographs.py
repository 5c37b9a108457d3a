"""Photographs that data sets are made of: those that scikit-image brings along, or one's own."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.recordings.image_file import load_image
from spikereveal_plugin.recordings.sources import IMAGE_SUFFIXES, files_by_key

Image = npt.NDArray[np.uint8]

TRAIN_PHOTOS = ('astronaut.png', 'rocket.jpg', 'motorcycle_left.png', 'ihc.png', 'hubble_deep_field.jpg')
TEST_PHOTOS = ('coffee.png', 'chelsea.png')
EVERY = 5  # one's own photographs: each fifth is the test split's


def split_photos(paths: Sequence[Path]) -> dict[str, tuple[Path, ...]]:
    """Return the photographs of the splits `train` and `test`, which share none.

    Args:
        paths: pictures, folders of them, or nothing for those of scikit-image.

    Raises:
        SpikeDataError: a path is missing, there are fewer than two, or scikit-image is not installed.
    """
    if not paths:
        folder = photo_folder()
        return {
            'train': tuple(folder / name for name in TRAIN_PHOTOS),
            'test': tuple(folder / name for name in TEST_PHOTOS),
        }
    found = sorted({photo for path in paths for photo in _photos_at(path)}, key=lambda photo: (photo.stem, photo))
    if len(found) < 2:
        raise SpikeDataError(f'{paths[0]}: expected two photographs or more, one to train and one to test')
    test = found[EVERY - 1 :: EVERY] or found[-1:]
    return {'train': tuple(photo for photo in found if photo not in test), 'test': tuple(test)}


def _photos_at(path: Path) -> Sequence[Path]:
    if path.is_file():
        return (path,)
    return tuple(files_by_key(path, IMAGE_SUFFIXES, 'photograph').values())


@lru_cache(maxsize=64)
def read_photo(path: Path, longest: int | None = None) -> Image:
    """Return (H, W, 3) RGB, reduced where its longer side exceeds `longest` pixels."""
    photo = load_image(path)
    step = (longest or max(photo.shape)) / max(photo.shape)
    if step >= 1:
        return photo
    return cv2.resize(photo, None, fx=step, fy=step, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def photo_folder() -> Path:
    """Folder of the pictures inside the installed scikit-image; nothing is imported, so nothing is fetched.

    Raises:
        SpikeDataError: scikit-image is not installed.
    """
    spec = find_spec('skimage')
    if spec is None or spec.origin is None:
        raise SpikeDataError('scikit-image is not installed, and its photographs are needed; pip install scikit-image')
    return Path(spec.origin).parent / 'data'
