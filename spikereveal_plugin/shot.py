"""A shot: one photo, the spikes recorded meanwhile, and when it was exposed; all that a restorer sees."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.density import dense_exposure_rate, dense_window


@dataclass(frozen=True, eq=False)
class Shot:
    """Photos and spikes, of which restorers take windows and rates; nothing is computed before it is asked for."""

    blur: Tensor
    """(B, 3, H, W), RGB in [0, 1]"""
    spikes: Tensor
    """(B, T, h, w): 0 and 1, of any type, as recorded; or floating, made denser before"""
    exposure: Exposure
    """the photo's readouts"""
    photos: Tensor | None = None
    """(B, P, 3, H, W): photos of the sequence, P odd, `blur` in the middle; None where there is only `blur`"""
    ratio: float = 1.0
    """how many times denser than `spikes` windows and rates are (physics/density.py)"""
    grid: tuple[int, int] | None = None
    """(h, w) that windows and rates are brought to; None: the sensor's own"""

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the photo."""
        return self.blur.shape[-2], self.blur.shape[-1]

    @property
    def num_readouts(self) -> int:
        """Length of the stream."""
        return self.spikes.shape[1]

    @cached_property
    def long_rate(self) -> Tensor:
        """(B, 1, h, w), floating: the firing rate over the exposure, TFP_long.

        Raises:
            ValueError: the exposure leaves the stream.
        """
        return self._on_grid(dense_exposure_rate(self.spikes, self.exposure, self.ratio))

    def window(self, instant: int, length: int) -> Tensor:
        """(B, length, h, w), floating: the readouts centred on an instant.

        Raises:
            ValueError: `length` is even, or the window leaves the stream.
        """
        return self._on_grid(dense_window(self.spikes, instant, length, self.ratio))

    def short_rate(self, instant: int, length: int) -> Tensor:
        """(B, 1, h, w), floating: the firing rate of `window`, TFP_short; raises as it."""
        return self.window(instant, length).mean(1, keepdim=True)

    def sample(self, index: int) -> 'Shot':
        """One photo of the batch, (1, ...) each."""
        photos = None if self.photos is None else self.photos[index : index + 1]
        own = slice(index, index + 1)
        shot = replace(self, blur=self.blur[own], spikes=self.spikes[own], photos=photos)
        return self._share_long_rate(shot, lambda rate: rate[own])

    def dense(self, ratio: float) -> 'Shot':
        """The shot with windows and rates `ratio` times as dense."""
        return self if ratio == 1 else replace(self, ratio=self.ratio * ratio)

    def on_grid(self, height: int, width: int) -> 'Shot':
        """The shot with windows and rates on another grid: means of areas, or bilinear where that is finer."""
        shot = replace(self, grid=(height, width))
        return self._share_long_rate(shot, shot._on_grid)

    def with_photos(self, blur: Tensor, photos: Tensor | None) -> 'Shot':
        """The shot with its photos in another form."""
        return self._share_long_rate(replace(self, blur=blur, photos=photos))

    def to(self, device: torch.device) -> 'Shot':
        """The shot on a device."""
        photos = None if self.photos is None else self.photos.to(device)
        shot = replace(self, blur=self.blur.to(device), spikes=self.spikes.to(device), photos=photos)
        return self._share_long_rate(shot, lambda rate: rate.to(device))

    def _share_long_rate(self, shot: 'Shot', change: Callable[[Tensor], Tensor] = lambda rate: rate) -> 'Shot':
        """Spare `shot` a pass over the exposure that this one has made."""
        if 'long_rate' in self.__dict__:
            shot.__dict__['long_rate'] = change(self.long_rate)
        return shot

    def _on_grid(self, image: Tensor) -> Tensor:
        if self.grid is None or tuple(image.shape[-2:]) == self.grid:
            return image
        if image.shape[-2] >= self.grid[0] and image.shape[-1] >= self.grid[1]:
            return F.interpolate(image, size=self.grid, mode='area')
        return F.interpolate(image, size=self.grid, mode='bilinear', align_corners=False)
