"""Objects cut out of photographs or plain colours: discs, boxes, blobs, bars and letters."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.building.mood import plain

Image = npt.NDArray[np.uint8]
FINE = 4  # shapes are drawn so many times larger, then reduced, so that their edges are smooth
BORDER = 3  # pixels around a shape that it does not cover


class Cutout(NamedTuple):
    """A picture and what it covers.

    Args:
        colours: (H, W, 3) RGB.
        cover: (H, W) float32 in [0, 1], 1 where the picture is opaque.
    """

    colours: Image
    cover: npt.NDArray[np.float32]


def cut_out(photos: Sequence[Image], size: float, is_light: bool, generator: np.random.Generator) -> Cutout:
    """Draw an object.

    Args:
        photos: (H, W, 3) RGB each, to draw textures from.
        size: of its longer side, in pixels.
        is_light: a lamp: a disc of one bright colour.
        generator: source of randomness.
    """
    shape = SHAPES[0] if is_light else SHAPES[int(generator.integers(len(SHAPES)))]
    long, short = max(4, round(size)), max(4, round(size * generator.uniform(0.3, 1)))
    height, width = (long, short) if generator.random() < 0.5 else (short, long)
    if is_light:
        height = width = long
    drawn = np.zeros((FINE * height, FINE * width), np.uint8)
    shape(drawn, generator)
    cover = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    cover = np.pad(cover, BORDER)
    if generator.random() < 0.3:
        cover = cv2.GaussianBlur(cover, (0, 0), generator.uniform(0.5, 2))
    height, width = cover.shape
    return Cutout(_texture(photos, height, width, is_light, generator), cover)


def _texture(photos: Sequence[Image], height: int, width: int, is_light: bool, generator: np.random.Generator) -> Image:
    if is_light:
        return np.full((height, width, 3), generator.uniform(170, 255, 3).astype(np.uint8))
    if generator.random() < 0.35:
        return plain(height, width, generator)
    photo = photos[int(generator.integers(len(photos)))]
    step = min(math.exp(generator.uniform(math.log(0.7), math.log(6))), photo.shape[0] / height, photo.shape[1] / width)
    tall, wide = max(1, int(height * step)), max(1, int(width * step))
    top, left = generator.integers(photo.shape[0] - tall + 1), generator.integers(photo.shape[1] - wide + 1)
    part = photo[top : top + tall, left : left + wide]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _disc(drawn: Image, generator: np.random.Generator) -> None:
    height, width = drawn.shape
    cv2.ellipse(drawn, (width // 2, height // 2), (width // 2 - 1, height // 2 - 1), 0, 0, 360, 255, -1)


def _box(drawn: Image, generator: np.random.Generator) -> None:
    drawn[:] = 255


def _blob(drawn: Image, generator: np.random.Generator) -> None:
    """A closed curve whose radius is a sum of a few waves."""
    angles = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    waves = np.arange(1, 7)
    sizes, phases = generator.uniform(0, 1, 6) / waves, generator.uniform(0, 2 * math.pi, 6)
    radius = 1 + 0.5 * (sizes[:, None] * np.sin(waves[:, None] * angles + phases[:, None])).sum(axis=0)
    radius /= np.abs(radius).max()
    half = np.array(drawn.shape[::-1]) / 2
    points = half + half * radius[:, None] * np.stack((np.cos(angles), np.sin(angles)), axis=1)
    cv2.fillPoly(drawn, [np.rint(points).astype(np.int32)], (255,))


def _bars(drawn: Image, generator: np.random.Generator) -> None:
    """Parallel bars with gaps, as of a fence or of fingers."""
    count = int(generator.integers(2, 7))
    period = drawn.shape[1] / count
    for bar in range(count):
        drawn[:, round(bar * period) : round((bar + generator.uniform(0.3, 0.75)) * period)] = 255


def _letters(drawn: Image, generator: np.random.Generator) -> None:
    """A line of letters as large as fits."""
    text = ''.join(generator.choice(list('ABCDEFGHKLMNPRSTUVWXYZabcdeghkmnprst0123456789'), generator.integers(1, 6)))
    font = int(generator.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
    (width, height), base = cv2.getTextSize(text, font, 1.0, 2)
    scale = min(drawn.shape[1] / width, drawn.shape[0] / (height + base))
    thickness = max(1, round(scale * generator.uniform(1.5, 4)))
    cv2.putText(
        drawn, text, (0, min(drawn.shape[0] - 1, round(scale * height))), font, scale, (255,), thickness, cv2.LINE_AA
    )


SHAPES: Sequence[Callable[[Image, np.random.Generator], None]] = (_disc, _box, _blob, _blob, _bars, _letters)
