"""Scenes set in motion from photographs: a background and cut-out objects before it, each on a path of its own."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.building.cutout import Cutout, cut_out
from spikereveal_plugin.building.mood import Mood, draw_mood, plain
from spikereveal_plugin.building.shake import draw_trajectory

Image = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]

STILL: Final = 0.4  # share of scenes before which the camera stands still
MOST_OBJECTS: Final = 6
CAMERA_TRAVEL: Final = (4.0, 70.0)  # pixels of a 512-pixel view over an exposure; drawn by their logarithm
OBJECT_TRAVEL: Final = (5.0, 140.0)
OBJECT_SIZES: Final = (30.0, 300.0)  # pixels of a 512-pixel view, of the longer side
LIGHT_SIZES: Final = (5.0, 45.0)
PLAIN: Final = 0.12  # share of backgrounds without texture
MARGIN: Final = 0.35  # of the view, that a background reaches beyond it; what moves past it is mirrored


@dataclass(frozen=True)
class Layer:
    """A picture and where it lies at each readout.

    Args:
        cutout: its colours and what it covers.
        places: (T, 2, 3), its pixels to those of the view.
    """

    cutout: Cutout
    places: Matrix


@dataclass(frozen=True)
class Scene:
    """Layers from the back to the front, the first one opaque; `height` x `width` is the view's size."""

    height: int
    width: int
    layers: tuple[Layer, ...]

    def frames(self) -> Iterator[Image]:
        """Yield the view at each readout, (height, width, 3) RGB."""
        background, *objects = self.layers
        for readout, place in enumerate(background.places):
            frame = self._warp(background.cutout.colours, place, cv2.INTER_CUBIC, cv2.BORDER_REFLECT_101)
            for layer in objects:
                self._cover(frame, layer, layer.places[readout])
            yield frame

    def _warp(self, image: Image, place: Matrix, interpolation: int, border: int) -> Image:
        size = (self.width, self.height)
        return cv2.warpAffine(image, place, size, flags=interpolation, borderMode=border).astype(np.uint8, copy=False)

    def _cover(self, frame: Image, layer: Layer, place: Matrix) -> None:
        """Lay an object over a frame; only the part of the view that it touches is computed."""
        height, width = layer.cutout.cover.shape
        corners = place[:, :2] @ np.array([[0, width, 0, width], [0, 0, height, height]]) + place[:, 2:]
        left, top = np.floor(corners.min(axis=1)).astype(int).clip(0)
        right, bottom = np.ceil(corners.max(axis=1)).astype(int) + 1
        part = frame[top : max(bottom, 0), left : max(right, 0)]
        if part.size == 0:
            return
        shifted = place - np.array([[0, 0, left], [0, 0, top]])
        size = (part.shape[1], part.shape[0])
        colours = cv2.warpAffine(
            layer.cutout.colours, shifted, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        cover = cv2.warpAffine(layer.cutout.cover, shifted, size, flags=cv2.INTER_LINEAR)[..., None]
        part[:] = np.rint(part + cover * (colours.astype(np.float32) - part)).astype(np.uint8)


@dataclass(frozen=True)
class Stage:
    """What a scene is drawn for: a view of `height` x `width`, `num_readouts` of it, `exposure` of these exposed."""

    height: int
    width: int
    num_readouts: int
    exposure: int

    @property
    def scale(self) -> float:
        """Pixels of the view to one of a 512-pixel view."""
        return max(self.height, self.width) / 512

    @property
    def centre(self) -> Matrix:
        """The middle of the view, x before y."""
        return np.array([self.width / 2, self.height / 2])

    def speed(self, bounds: tuple[float, float], generator: np.random.Generator) -> float:
        """Draw the pixels of a path in a readout, from bounds for an exposure of a 512-pixel view."""
        return self.scale * log_uniform(bounds, generator) / self.exposure


@dataclass(frozen=True)
class Motion:
    """How something moves: `shifts` (T, 2) in pixels, x before y, `turns` (T,) in radians, `zooms` (T,)."""

    shifts: Matrix
    turns: Matrix
    zooms: Matrix

    def places(self, centre: Matrix, target: Matrix) -> Matrix:
        """(T, 2, 3): where a picture lies whose `centre` is at `target`, but for this motion."""
        steps = zip(self.turns, self.zooms, self.shifts, strict=True)
        return np.stack([place(centre, turn, zoom, target + shift) for turn, zoom, shift in steps])


def draw_scene(background: Image, photos: Sequence[Image], stage: Stage, generator: np.random.Generator) -> Scene:
    """Draw a scene: what is seen, how it is lit, how camera and objects move.

    Args:
        background: (H, W, 3) RGB, a photograph of which the background shows a part.
        photos: (H, W, 3) RGB each, to draw objects' textures from.
        stage: the view.
        generator: source of randomness.
    """
    is_still = generator.random() < STILL
    camera = _still(stage) if is_still else _draw_motion(stage, CAMERA_TRAVEL, 2.0, 0.04, generator)
    mood = draw_mood(generator)
    layers = [_background(background, stage, camera, mood, generator)]
    for number in range(mood.lights + generator.integers(is_still, MOST_OBJECTS + 1)):
        is_light = number < mood.lights
        bounds = LIGHT_SIZES if is_light else OBJECT_SIZES
        size = stage.scale * log_uniform(bounds, generator)
        cutout = cut_out(photos, size, is_light, generator)
        if not is_light:
            cutout = Cutout(mood.apply(cutout.colours), cutout.cover)
        layers.append(Layer(cutout, _object_places(cutout, stage, camera, generator)))
    return Scene(stage.height, stage.width, tuple(layers))


def log_uniform(bounds: tuple[float, float], generator: np.random.Generator) -> float:
    """Draw a number whose logarithm is uniform."""
    return math.exp(generator.uniform(math.log(bounds[0]), math.log(bounds[1])))


def _still(stage: Stage) -> Motion:
    count = stage.num_readouts
    return Motion(np.zeros((count, 2)), np.zeros(count), np.ones(count))


def _draw_motion(
    stage: Stage, travel: tuple[float, float], max_degrees: float, most_zoom: float, generator: np.random.Generator
) -> Motion:
    """Draw a path that is at its start's place at the middle of the recording."""
    path = draw_trajectory(stage.num_readouts, stage.speed(travel, generator), max_degrees, generator)
    shifts = np.stack((path.x, path.y), axis=1)
    zooms = np.exp(generator.uniform(-most_zoom, most_zoom) * np.linspace(-1, 1, stage.num_readouts))
    return Motion(shifts - shifts[stage.num_readouts // 2], path.angle, zooms)


def _background(photo: Image, stage: Stage, camera: Motion, mood: Mood, generator: np.random.Generator) -> Layer:
    margin = round(MARGIN * max(stage.height, stage.width))
    height, width = stage.height + 2 * margin, stage.width + 2 * margin
    is_plain = generator.random() < PLAIN
    texture = mood.apply(plain(height, width, generator) if is_plain else crop(photo, height, width, generator))
    places = camera.places(np.array([width / 2, height / 2]), stage.centre)
    return Layer(Cutout(texture, np.ones((height, width), np.float32)), places)


def _object_places(cutout: Cutout, stage: Stage, camera: Motion, generator: np.random.Generator) -> Matrix:
    """Where an object is: somewhere in the view at the middle of the recording, still there or on a path of its own."""
    middle = generator.uniform(0.1 * stage.centre, 1.9 * stage.centre)
    is_still = generator.random() < 0.1
    own = _still(stage) if is_still else _draw_motion(stage, OBJECT_TRAVEL, generator.uniform(0, 15), 0.15, generator)
    motion = Motion(camera.shifts + own.shifts, own.turns, own.zooms)
    return motion.places(np.array(cutout.cover.shape[::-1]) / 2, middle)


def place(centre: Matrix, turn: float, zoom: float, target: Matrix) -> Matrix:
    """Return the matrix (2, 3) that turns and zooms a picture about `centre` and puts that at `target`, x before y."""
    turned = zoom * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return np.column_stack((turned, target - turned @ centre))


def crop(photo: Image, height: int, width: int, generator: np.random.Generator) -> Image:
    """Return (height, width, 3) of a photograph: a part of it, reduced or enlarged, mirrored in half of the cases."""
    fits = min(photo.shape[0] / height, photo.shape[1] / width)  # photo pixels to one of the result, at most
    step = math.exp(generator.uniform(math.log(min(0.6, fits)), math.log(fits)))
    tall, wide = max(1, int(height * step)), max(1, int(width * step))
    top = generator.integers(photo.shape[0] - tall + 1)
    left = generator.integers(photo.shape[1] - wide + 1)
    part = photo[top : top + tall, left : left + wide]
    if generator.random() < 0.5:
        part = part[:, ::-1]
    interpolation = cv2.INTER_AREA if step > 1 else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=interpolation).astype(
        np.uint8, copy=False
    )
