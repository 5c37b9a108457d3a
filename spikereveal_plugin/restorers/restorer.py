"""The one form of everything that turns a shot into sharp frames."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.shot import Shot

Call = tuple[nn.Module, tuple[Tensor, ...]]  # a network and blank inputs as large as a shot's


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a restorer needs of a shot, and which instants it can give."""

    window: int = 1
    """readouts, odd, that must lie around each instant"""
    photos: int = 1
    """photos of the sequence that it sees, odd"""
    sees_spikes: bool = True
    """whether its frames depend on spikes"""
    ratio: int | None = None
    """the photo's size over the sensor's; None: any"""
    multiple: int = 1
    """what the photo's sides must be multiples of"""
    instants: Literal['free', 'one'] | int = 'free'
    """`free`: any readout; `one`: one image for every instant; a number: so many frames over the exposure"""
    density: Density = AS_RECORDED
    """how dense it wants spikes to be; `restore` sees to it"""


class Restorer(ABC):
    """Turns a shot into frames."""

    capabilities: Capabilities = Capabilities()
    remark: str = ''
    """what a reader of its scores must know, or nothing"""

    @abstractmethod
    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        """Yield one (B, 3, H, W) frame in [0, 1] for each instant, in their order.

        Args:
            shot: as `capabilities` asks for; `restore` (restorers/restore.py) brings any shot to that form.
            instants: readout indices.

        Raises:
            ValueError: a window leaves the stream, or sizes do not fit.
        """

    def wanting(self, density: Density) -> 'Restorer':
        """The restorer, with spikes of another density."""
        restorer = copy(self)
        restorer.capabilities = replace(self.capabilities, density=density)
        return restorer

    @property
    def device(self) -> torch.device:
        """Where it takes its shots."""
        parameters = (parameter for network in self.networks.values() for parameter in network.parameters())
        return next((parameter.device for parameter in parameters), torch.device('cpu'))

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The networks it runs, by name; none for physics."""
        return {}

    def calls(self, shot: Shot) -> tuple[Call, ...]:
        """The calls of networks that a frame of a shot takes, on blank inputs: what its size is measured by."""
        return ()
