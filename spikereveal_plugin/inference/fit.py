"""How a photo and a spike sensor of nearly any sizes meet the networks' rule: the image is 4 times the sensor."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from spikereveal_plugin.errors import SpikeDataError

RATIO = 4


@dataclass(frozen=True)
class Fit:
    """The photo's size, and the grid of spikes that a photo grown to multiples of 4 needs."""

    height: int
    width: int

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w): the photo's size divided by 4, rounded up."""
        return -(-self.height // RATIO), -(-self.width // RATIO)

    def blur(self, blur: Tensor) -> Tensor:
        """Return (1, 3, 4h, 4w): the photo, its last row and column repeated as far as needed."""
        rows, columns = (RATIO * cells - size for cells, size in zip(self.grid, (self.height, self.width), strict=True))
        return F.pad(blur, (0, columns, 0, rows), mode='replicate') if rows or columns else blur

    def spikes(self, spikes: Tensor) -> Tensor:
        """Return (1, T, h, w): spikes of any size on the grid: means of areas, or bilinear if it is finer."""
        if tuple(spikes.shape[-2:]) == self.grid:
            return spikes
        is_coarser = spikes.shape[-2] >= self.grid[0] and spikes.shape[-1] >= self.grid[1]
        if is_coarser:
            return F.interpolate(spikes, size=self.grid, mode='area')
        return F.interpolate(spikes, size=self.grid, mode='bilinear', align_corners=False)

    def crop(self, frame: Tensor) -> Tensor:
        """Return (1, 3, H, W) of the photo's size."""
        return frame[..., : self.height, : self.width]


def fit_sizes(image: tuple[int, int], sensor: tuple[int, int]) -> Fit:
    """Check that a photo and a sensor see the same field, and plan how they meet.

    Args:
        image: (H, W) of the photo.
        sensor: (h, w) of the spikes. H / h and W / w may be any numbers that are equal to within one sensor pixel.

    Raises:
        SpikeDataError: the proportions differ.
    """
    (height, width), (rows, columns) = image, sensor
    ratio = max(height / rows, width / columns)
    if abs(height / ratio - rows) >= 1 or abs(width / ratio - columns) >= 1:
        grid = Fit(height, width).grid
        raise SpikeDataError(
            f'the image is {width}x{height}, the spikes {columns}x{rows}: expected {grid[1]}x{grid[0]}, or another '
            'size of the same proportions; crop them to one field of view, see `spikereveal data align`'
        )
    return Fit(height, width)


def as_float(spikes: Tensor) -> Tensor:
    """Return (1, T, h, w) float32 of (T, h, w) bool."""
    return spikes.unsqueeze(0).to(torch.float32)
