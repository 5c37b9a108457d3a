"""One blurry photograph and its spikes, built readout by readout from frames that need not be kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.fixed_pattern import FixedPattern
from spikereveal_plugin.physics.simulate import SpikeCamera, SpikeIntegrator, inherent_noise, random_start
from spikereveal_plugin.physics.srgb import linear_to_srgb
from spikereveal_plugin.recordings.light import Frame, undo_srgb

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Capture:
    """How a scene is recorded: the exposure within the spike stream, the spike camera, the frames kept as truth.

    The spike sensor is `ratio` times smaller than the image; `num_sharp` frames are kept, the exposure's ends included.
    `pattern` is how the sensor's pixels differ. With `linear_light` the frames' sRGB curve is undone before light is
    averaged and integrated, and the blurry image gets the curve again, as a camera's JPEG has it; otherwise, as
    published, stored values are taken for light.
    """

    exposure: Exposure = field(default_factory=Exposure)
    num_readouts: int = 137
    ratio: int = RATIO
    camera: SpikeCamera = field(default_factory=SpikeCamera)
    has_noise: bool = True
    num_sharp: int = 7
    pattern: FixedPattern | None = None
    linear_light: bool = False

    @property
    def sharp_readouts(self) -> tuple[int, ...]:
        """Readouts whose frames are kept: 20, 36, ..., 116 as published."""
        return self.exposure.instants(self.num_sharp, 1, self.num_readouts)

    def as_json(self) -> dict[str, Any]:
        """Return what `dataset.json` states of it."""
        return {
            'num_readouts': self.num_readouts,
            'exposure_first': self.exposure.first,
            'exposure_length': self.exposure.length,
            'ratio': self.ratio,
            'camera': asdict(self.camera),
            'linear_light': self.linear_light,
            'noise': self.has_noise,
            'sharp_readouts': list(self.sharp_readouts),
        }


@dataclass(frozen=True)
class Sample:
    """One finished sample; images are (H, W, 3) RGB uint8, spikes (T, h, w) bool.

    `sharp` is the middle frame and `sharp_sequence` frames by readout, where there is ground truth.
    """

    blur: Image
    spikes: npt.NDArray[np.bool_]
    exposure: Exposure
    sharp: Image | None = None
    sharp_sequence: Mapping[int, Image] = field(default_factory=dict)


MOST: Final = 10_000  # a pixel in full light fires once in so many readouts


def check_threshold(threshold: float) -> None:
    """Refuse, as a user's mistake, a threshold that no spike camera has."""
    if not 0 < threshold <= MOST:
        raise OptionError(f'threshold {threshold}: expected a positive number, such as 1, 2 or 4, up to {MOST}')


class ExposureBuilder:
    """Collect `capture.num_readouts` frames into one sample; memory does not grow with the frames' number.

    Args:
        capture: how the scene is recorded.
        height: of the frames, in pixels.
        width: of the frames, in pixels.
        generator: draws the sensor's start and its noise.
    """

    def __init__(self, capture: Capture, height: int, width: int, generator: torch.Generator) -> None:
        self._capture, self._generator = capture, generator
        self._sensor = (height // capture.ratio, width // capture.ratio)
        start = random_start(*self._sensor, generator)
        pattern = capture.pattern and capture.pattern.middle(*self._sensor)
        self._integrator = SpikeIntegrator(capture.camera, start, pattern, generator)
        self._spikes: list[torch.Tensor] = []
        self._sum = np.zeros((height, width, 3), np.float32)
        self._sharp: dict[int, Image] = {}

    @property
    def is_complete(self) -> bool:
        """Whether each readout has had its frame."""
        return len(self._spikes) == self._capture.num_readouts

    def add(self, frame: Frame, light: npt.NDArray[np.float32]) -> None:
        """Record the next readout.

        Args:
            frame: (H, W, 3) RGB in [0, 255].
            light: `sensor_light(frame, ...)` of the same capture, computed once for all exposures that are open.
        """
        readout = len(self._spikes)
        if readout >= self._capture.num_readouts:
            raise ValueError(f'the sample already holds its {readout} readouts; call finish()')
        self._spikes.append(self._integrator.step(torch.from_numpy(light)))
        exposure = self._capture.exposure
        if exposure.first <= readout < exposure.stop:
            cv2.accumulate(undo_srgb(frame) if self._capture.linear_light else frame, self._sum)
        if readout in self._capture.sharp_readouts or readout == exposure.centre:
            self._sharp[readout] = np.rint(frame).clip(0, 255).astype(np.uint8)

    def finish(self) -> Sample:
        """Return the sample: blur is the mean over the exposure (Eq. 2), rounded; linear light gets its curve again."""
        capture = self._capture
        if not self.is_complete:
            raise ValueError(f'{len(self._spikes)} of {capture.num_readouts} readouts were recorded')
        spikes = torch.stack(self._spikes)
        if capture.has_noise:
            spikes |= inherent_noise(capture.num_readouts, *self._sensor, capture.camera, self._generator)
        mean = self._sum / capture.exposure.length
        if capture.linear_light:
            mean = 255 * linear_to_srgb(torch.from_numpy(mean / 255)).numpy()
        blur = np.rint(mean).clip(0, 255).astype(np.uint8)
        sequence = {readout: self._sharp[readout] for readout in capture.sharp_readouts}
        return Sample(blur, spikes.numpy(), capture.exposure, self._sharp[capture.exposure.centre], sequence)
