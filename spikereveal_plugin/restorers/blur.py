"""The blurry photo itself: what every restorer must beat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spikereveal_plugin.restorers.kinds import RestorerOptions, register
from spikereveal_plugin.restorers.restorer import Capabilities, Restorer
from spikereveal_plugin.shot import Shot


class Blur(Restorer):
    """Gives the photo for every instant."""

    capabilities = Capabilities(sees_spikes=False, instants='one')

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        return (shot.blur for _ in instants)


@register('blur')
@dataclass(frozen=True, kw_only=True)
class BlurOptions(RestorerOptions):
    """`type: blur`: the blurry photo, for each frame."""

    def build(self, device: torch.device) -> Blur:
        return Blur()
