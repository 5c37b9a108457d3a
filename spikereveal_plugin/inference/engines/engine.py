"""The form of all ways to run a student over the instants of one photo, whose work on the photo is done once."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.restorers.restorer import Call, Restorer
from spikereveal_plugin.restorers.student import Student
from spikereveal_plugin.shot import Shot


class Engine(Restorer):
    """Runs a student one instant after another; what they share is computed once.

    Args:
        network: in evaluation mode.
        density: how dense it wants spikes to be.

    Raises:
        ValueError: the network sees no window of spikes.
    """

    device = torch.device('cpu')  # an engine moves what it needs itself

    def __init__(self, network: nn.Module, density: Density = AS_RECORDED) -> None:
        self._student = Student(network, density)
        self.capabilities = self._student.capabilities
        self.num_spike = self.capabilities.window

    @abstractmethod
    def encode(self, blur: Tensor, long_rate: Tensor) -> Any:
        """Do once what all instants share.

        Args:
            blur: (1, 3, 4h, 4w), RGB in [0, 1].
            long_rate: (1, 1, h, w), firing rate over the exposure, at the density of the windows.
        """

    @abstractmethod
    def frame(self, encoded: Any, window: Tensor) -> Tensor:
        """Return the frame (1, 3, 4h, 4w), not clipped, from `encode`'s result and spikes (1, num_spike, h, w)."""

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        encoded = self.encode(shot.blur, shot.long_rate)
        for instant in instants:
            yield self.frame(encoded, shot.window(instant, self.num_spike)).clamp(0, 1)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return self._student.networks

    def calls(self, shot: Shot) -> tuple[Call, ...]:
        return self._student.calls(shot)
