"""Any network of a student's kind as the teacher: physics without weights, or a student that is there already."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.frozen import frozen_network
from spikereveal_plugin.models.scene import Scene, Shot
from spikereveal_plugin.models.student_inputs import student_frames

SECTION = 'network_teacher'


class NetworkTeacher(nn.Module):
    """Pseudo labels by a network that is called as a student is; `TaperedSDM` needs no training for it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        self.num_spike = int(network.num_spike)  # type: ignore[arg-type]

    @torch.no_grad()
    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        """Yield (B, 3, sH, sW) in [0, 1] for each instant."""
        return iter(student_frames(self.network, self.network, shot, instants).clamp(0, 1).unbind(1))

    def restore(self, scene: Scene, instants: Sequence[int]) -> list[Tensor]:
        """The teacher as a restorer."""
        return list(self.frames(scene, instants))


def build_network_teacher(opt: Mapping[str, Any], device: torch.device) -> NetworkTeacher:
    """Build the network of `network_teacher`, with the weights of `path.pretrain_network_teacher` if it has any.

    Raises:
        OptionError: weights are missing or do not fit, or the network is not of a student's kind.
    """
    network = frozen_network(opt, SECTION, device)
    if not hasattr(network, 'num_spike'):
        raise OptionError(f'{SECTION}: {opt[SECTION]["type"]} is no student: it does not say its num_spike')
    return NetworkTeacher(network)
