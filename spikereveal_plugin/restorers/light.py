"""Light change (physics/light_change.py): physics without weights for spikes of any threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spikereveal_plugin.archs.light_change_arch import LightChange
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.physics.light_change import add_change
from spikereveal_plugin.restorers.kinds import RestorerOptions, register
from spikereveal_plugin.restorers.restorer import Capabilities, Restorer
from spikereveal_plugin.shot import Shot


class Light(Restorer):
    """Adds to the photo how its light changed; what its instants share is computed once.

    Args:
        network: has no weights.
    """

    def __init__(self, network: LightChange) -> None:
        self._network = network
        self.capabilities = Capabilities(window=network.num_spike, ratio=network.upscale)

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        photo = self._network.read(shot.blur, shot.long_rate)
        for instant in instants:
            window = shot.window(instant, self._network.num_spike)
            yield add_change(shot.blur, self._network.changes(photo, window[:, None]), photo.colours)[:, 0].clamp(0, 1)


@register('light')
@dataclass(frozen=True, kw_only=True)
class LightOptions(RestorerOptions):
    """`type: light`: the photo plus how its light changed, as the spikes tell it; no weights, nothing to set."""

    strength: float = 0.5
    """changes below so many standard deviations of the noise are taken back"""

    def build(self, device: torch.device) -> Light:
        try:
            return Light(LightChange(strength=self.strength))
        except ValueError as error:
            raise OptionError(str(error)) from None
