"""A rig of two cameras: photos and spikes brought onto one grid, and cut to what both cameras see."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.recordings.calibration import Calibration, seen_window, to_sensor_grid
from spikereveal_plugin.recordings.spike_file import SpikeLayout

Pixel = TypeVar('Pixel', np.uint8, np.float32)


@dataclass(frozen=True)
class Rig:
    """What a calibration does to recordings.

    Args:
        calibration: where the photo's pixels lie on the sensor, and when the photo was exposed.
        ratio: pixels a spike pixel, along each side, that photos are brought to.
    """

    calibration: Calibration
    ratio: int = RATIO

    @property
    def exposure(self) -> Exposure:
        """The photo's readouts."""
        return Exposure(self.calibration.first, self.calibration.length)

    @cached_property
    def _window(self) -> tuple[int, int, int, int]:
        """(top, left, height, width), in spike pixels, of what both cameras see."""
        blank = np.zeros((*self.calibration.image_size, 1), np.uint8)
        _, seen = to_sensor_grid(blank, self.calibration.matrix, self.calibration.sensor_size, self.ratio)
        return seen_window(seen, self.ratio)

    def layout(self, layout: SpikeLayout) -> SpikeLayout:
        """Give a layout without a sensor's size the calibration's."""
        height, width = self.calibration.sensor_size
        return layout if layout.sensor else replace(layout, height=height, width=width)

    def photo(self, image: npt.NDArray[Pixel], path: Path) -> npt.NDArray[Pixel]:
        """Return a photo (H, W, 3) as `ratio` times the spikes that `spikes` returns.

        Raises:
            SpikeDataError: it has another size than the photos that were calibrated.
        """
        if image.shape[:2] != self.calibration.image_size:
            raise SpikeDataError(f'{path}: the photo is {_size(image.shape)}, {self._expected}')
        warped, _ = to_sensor_grid(image, self.calibration.matrix, self.calibration.sensor_size, self.ratio)
        top, left, height, width = (self.ratio * side for side in self._window)
        return np.ascontiguousarray(warped[top : top + height, left : left + width])

    def spikes(self, stream: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
        """Cut a stream (T, h, w) to what both cameras see.

        Raises:
            SpikeDataError: it is of another sensor than the one that was calibrated.
        """
        if stream.shape[1:] != self.calibration.sensor_size:
            raise SpikeDataError(f'{path}: the sensor is {_size(stream.shape[1:])}, {self._expected}')
        top, left, height, width = self._window
        return np.ascontiguousarray(stream[:, top : top + height, left : left + width])

    @property
    def _expected(self) -> str:
        photo, sensor = _size(self.calibration.image_size), _size(self.calibration.sensor_size)
        return f'but the calibration is for photos of {photo} on a sensor of {sensor} (height x width); make it again'


def _size(shape: tuple[int, ...]) -> str:
    return f'{shape[0]}x{shape[1]}'
