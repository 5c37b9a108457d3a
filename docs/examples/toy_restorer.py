"""A restorer of one's own: the photo, its light scaled by the firing rate around each instant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spikereveal_plugin.physics.sdm import upsample_rate
from spikereveal_plugin.restorers.kinds import RestorerOptions, register
from spikereveal_plugin.restorers.restorer import Capabilities, Restorer
from spikereveal_plugin.shot import Shot


class Flicker(Restorer):
    """`blur * mean(short rate) / mean(long rate)`: right where only the lamp flickers.

    Args:
        window: readouts of the short rate, odd.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        self.capabilities = Capabilities(window=window)

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        long_rate = upsample_rate(shot.long_rate, *shot.size).mean((2, 3), keepdim=True)
        for instant in instants:
            short_rate = shot.short_rate(instant, self.window).mean((2, 3), keepdim=True)
            yield (shot.blur * short_rate / long_rate).clamp(0, 1)


@register('flicker')
@dataclass(frozen=True, kw_only=True)
class FlickerOptions(RestorerOptions):
    """`type: flicker`, or `flicker` on the command line."""

    window: int = 9
    """readouts of the short rate, odd"""

    def build(self, device: torch.device) -> Flicker:
        return Flicker(self.window)
