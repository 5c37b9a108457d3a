"""Pictures for the page: frames of the chosen samples, kept between runs, and JPEG within a budget."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from spikereveal_plugin.compare.methods import Method, RestoredMethod, as_frame
from spikereveal_plugin.compare.reading import load_frame
from spikereveal_plugin.compare.report.choose import Picture
from spikereveal_plugin.compare.scoring import sample_digest
from spikereveal_plugin.compare.sets import TestSet
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.inference.outputs import write_pictures
from spikereveal_plugin.recordings.photo import quantise

LADDER = ((960, 84), (800, 80), (640, 80), (560, 76), (480, 74), (400, 70), (320, 66), (240, 60))  # width, quality


def as_picture(frame: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Picture:
    """Return 8 bits of a frame in [0, 1]."""
    return quantise(frame).astype(np.uint8, copy=False)


def method_pictures(method: Method, test_set: TestSet, key: str, folder: Path) -> list[Picture]:
    """Return a method's frames of a sample, 8 bits, or the one picture that it is; what is computed is kept as PNG."""
    if method.is_photo:
        return [as_picture(as_frame(test_set.shot(key).blur))]
    if not isinstance(method, RestoredMethod):
        return [as_picture(frame) for frame in method.restore(test_set, key)]
    kept = folder / sample_digest(method, test_set, key)[:32]
    paths = [kept / f'{index:03d}.png' for index in range(len(test_set.frames(key)))]
    if not all(path.is_file() for path in paths):
        write_pictures(kept, method.restore(test_set, key), 'png')
    return [as_picture(load_frame(path)) for path in paths]


def shrink(picture: Picture, width: int) -> Picture:
    """Return a picture at most so wide; smaller ones stay as they are."""
    if picture.shape[1] <= width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def jpeg(picture: Picture, quality: int) -> str:
    """Return a JPEG as a `data:` address.

    Raises:
        SpikeDataError: OpenCV cannot encode it.
    """
    encoded, raw = cv2.imencode('.jpg', picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise SpikeDataError(f'a picture of shape {picture.shape} cannot be encoded as JPEG')
    return 'data:image/jpeg;base64,' + base64.b64encode(raw.tobytes()).decode()


def within_budget(views: Sequence[Mapping[str, Sequence[Picture]]], budget: int) -> list[dict[str, list[str]]]:
    """Encode all views at the largest width and quality of the ladder whose sum is at most `budget` characters.

    The smallest step of the ladder is taken even where it is more.
    """
    encoded: list[dict[str, list[str]]] = []
    for width, quality in LADDER:
        encoded, total = [], 0
        for view in views:
            encoded.append({k: [jpeg(shrink(p, width), quality) for p in pictures] for k, pictures in view.items()})
            total += sum(map(len, _all(encoded[-1])))
            if total > budget:
                break
        if total <= budget:
            return encoded
    return [{k: [jpeg(shrink(p, width), quality) for p in pictures] for k, pictures in view.items()} for view in views]


def _all(view: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for addresses in view.values():
        yield from addresses
