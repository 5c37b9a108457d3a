"""How a photo and a spike sensor of nearly any sizes meet what a restorer can take."""

import math
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.restorers.restorer import Capabilities
from spikereveal_plugin.shot import Shot


@dataclass(frozen=True)
class Fit:
    """Grows photos to multiples of a number, brings spikes to the grid that belongs to them, and crops frames again."""

    height: int
    """of the photo"""
    width: int
    """of the photo"""
    ratio: int | None
    """the photo's size over the sensor's; None: spikes stay on the sensor's own grid"""
    multiple: int
    """what the grown photo's sides are multiples of"""

    @property
    def grown(self) -> tuple[int, int]:
        """(H, W) of the grown photo."""
        return -(-self.height // self.multiple) * self.multiple, -(-self.width // self.multiple) * self.multiple

    def shot(self, shot: Shot) -> Shot:
        """The shot with its photos grown, their last row and column repeated, and its spikes on the grid."""
        if self.grown != (self.height, self.width):
            photos = None if shot.photos is None else self._grow(shot.photos)
            shot = shot.with_photos(self._grow(shot.blur), photos)
        if self.ratio is None:
            return shot
        return shot.on_grid(self.grown[0] // self.ratio, self.grown[1] // self.ratio)

    def _grow(self, image: Tensor) -> Tensor:
        rows, columns = self.grown[0] - self.height, self.grown[1] - self.width
        grown = F.pad(image.flatten(0, -4), (0, columns, 0, rows), mode='replicate')
        return grown.unflatten(0, image.shape[:-3])

    def crop(self, frame: Tensor) -> Tensor:
        """Return (B, 3, H, W) of the photo's size."""
        return frame[..., : self.height, : self.width]


def fit_shot(shot: Shot, capabilities: Capabilities) -> Fit:
    """Check that a photo and a sensor see the same field, and plan how they meet what a restorer can take.

    Args:
        shot: of a photo (H, W) and a sensor (h, w); H / h and W / w may be any numbers that are equal to within one
            sensor pixel, where the restorer asks for a ratio.
        capabilities: the restorer's.

    Raises:
        SpikeDataError: the proportions differ.
    """
    (height, width), (rows, columns) = shot.size, shot.spikes.shape[-2:]
    ratio = capabilities.ratio
    if ratio is None:
        return Fit(height, width, None, capabilities.multiple)
    sides = max(height / rows, width / columns)
    if abs(height / sides - rows) >= 1 or abs(width / sides - columns) >= 1:
        raise SpikeDataError(
            f'the image is {width}x{height}, the spikes {columns}x{rows}: expected '
            f'{-(-width // ratio)}x{-(-height // ratio)}, or another size of the same proportions; crop them to one '
            'field of view, see `spikereveal data align`'
        )
    return Fit(height, width, ratio, math.lcm(ratio, capabilities.multiple))
