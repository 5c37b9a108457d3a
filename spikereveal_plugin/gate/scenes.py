"""The ten scenes of the gate, 128 x 192 pixels each: scikit-image's coffee and chelsea, and plain colours."""

from collections.abc import Callable, Mapping
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.building.cutout import Cutout
from spikereveal_plugin.building.exposure_builder import Capture, ExposureBuilder, Sample, check_threshold
from spikereveal_plugin.building.mood import Mood
from spikereveal_plugin.building.photographs import TEST_PHOTOS, photo_folder, read_photo
from spikereveal_plugin.building.scene import Layer, Motion, Scene
from spikereveal_plugin.physics.simulate import SpikeCamera
from spikereveal_plugin.recordings.light import sensor_light
from spikereveal_plugin.seeding import torch_generator

Image = npt.NDArray[np.uint8]

HEIGHT, WIDTH = 128, 192
NUM_READOUTS = 137
PAN: Final = (0.35, 0.08)  # pixels of the view in a readout: 34 and 8 over an exposure
PASS: Final = (-0.45, 0.1)


def record(name: str, threshold: float) -> Sample:
    """Record a scene with its noise, by a camera of a threshold; the same at each call.

    Args:
        name: one of `SCENES`.
        threshold: of the spike camera.

    Returns:
        Photo, spikes (137, 32, 48) and seven sharp frames.

    Raises:
        OptionError: no spike camera has this threshold.
        SpikeDataError: scikit-image, whose photographs it takes, is not installed.
    """
    check_threshold(threshold)
    capture = Capture(camera=SpikeCamera(threshold))
    builder = ExposureBuilder(capture, HEIGHT, WIDTH, torch_generator(0, name, str(threshold)))
    for frame in SCENES[name]().frames():
        builder.add(frame, sensor_light(frame, capture.ratio))
    return builder.finish()


def _scene(background: Image, speed: tuple[float, float], *objects: Layer) -> Scene:
    centre = np.array([background.shape[1] / 2, background.shape[0] / 2])
    places = _motion(speed).places(centre, np.array([WIDTH / 2, HEIGHT / 2]))
    cutout = Cutout(background, np.ones(background.shape[:2], np.float32))
    return Scene(HEIGHT, WIDTH, (Layer(cutout, places), *objects))


def _motion(speed: tuple[float, float]) -> Motion:
    """Even motion that passes its place at the middle of the exposure."""
    time = np.arange(NUM_READOUTS) - 68.0
    return Motion(time[:, None] * np.array(speed), np.zeros(NUM_READOUTS), np.ones(NUM_READOUTS))


def _object(
    colours: Image, cover: npt.NDArray[np.float32], place: tuple[float, float], speed: tuple[float, float]
) -> Layer:
    centre = np.array([cover.shape[1] / 2, cover.shape[0] / 2])
    return Layer(Cutout(colours, cover), _motion(speed).places(centre, np.array(place)))


def _photo(index: int) -> Image:
    """A photograph that no shipped weights were trained on, larger than the view."""
    photo = read_photo(photo_folder() / TEST_PHOTOS[index])
    return cv2.resize(photo, (320, 213), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _plain(*colour: int, height: int = 213, width: int = 320) -> Image:
    return np.full((height, width, 3), colour, np.uint8)


def _disc(diameter: int) -> npt.NDArray[np.float32]:
    drawn = np.zeros((4 * diameter, 4 * diameter), np.uint8)
    cv2.circle(drawn, (2 * diameter, 2 * diameter), 2 * diameter - 8, (255,), -1)
    return cv2.resize(drawn, (diameter, diameter), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _letters(text: str) -> npt.NDArray[np.float32]:
    drawn = np.zeros((120, 480), np.uint8)
    cv2.putText(drawn, text, (8, 92), cv2.FONT_HERSHEY_DUPLEX, 3.2, (255,), 9, cv2.LINE_AA)
    return cv2.resize(drawn, (160, 40), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _passing(colours: Image, speed: tuple[float, float] = PASS) -> Layer:
    side = min(colours.shape[:2])
    return _object(np.ascontiguousarray(colours[:side, :side]), _disc(side), (WIDTH / 2, HEIGHT / 2), speed)


def _small(index: int, side: int = 56) -> Image:
    return cv2.resize(_photo(index), (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _text() -> Scene:
    letters = _letters('SPIKES 41')
    return _scene(
        _plain(225, 222, 210), (0, 0), _object(_plain(20, 30, 60, height=40, width=160), letters, (96, 64), (0.3, 0))
    )


def _saturated() -> Scene:
    red, blue = _plain(220, 20, 25, height=52, width=52), _plain(25, 40, 215, height=44, width=44)
    second = _object(blue, _disc(44), (60, 80), (0.1, -0.35))
    return _scene(_plain(120, 120, 118), (0, 0), _passing(red), second)


def _bars() -> Scene:
    bars = np.tile(np.repeat(np.array([1, 0], np.float32), 12), 8)[None].repeat(160, axis=0)
    fence = _object(_plain(60, 45, 35, height=160, width=192), np.ascontiguousarray(bars), (96, 64), (0.4, 0))
    return _scene(_photo(1), (0, 0), fence)


SCENES: Mapping[str, Callable[[], Scene]] = {
    'still': lambda: _scene(_photo(0), (0, 0)),
    'pan': lambda: _scene(_photo(1), PAN),
    'object': lambda: _scene(_photo(1), (0, 0), _passing(_small(0))),
    'both': lambda: _scene(_photo(0), PAN, _passing(_small(1))),
    'bright': lambda: _scene(Mood(gain=1.8, gamma=0.6).apply(_photo(0)), (0, 0), _passing(_small(1))),
    'dark': lambda: _scene(Mood(gain=0.25).apply(_photo(0)), (0, 0), _passing(Mood(gain=0.35).apply(_small(1)))),
    'flat': lambda: _scene(_plain(128, 131, 127), (0, 0), _passing(_plain(96, 100, 99, height=56, width=56))),
    'text': _text,
    'saturated': _saturated,
    'bars': _bars,
}
