"""Students by their weights, run by an engine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.physics.density import Density
from spikereveal_plugin.restorers.kinds import RestorerOptions, register
from spikereveal_plugin.restorers.networks import weights_file
from spikereveal_plugin.restorers.peer import PeerOptions
from spikereveal_plugin.restorers.peer_calls import FORMS
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.weights.file import read_card
from spikereveal_plugin.weights.network import load_student
from spikereveal_plugin.weights.registry import find_weights


@register('network')
@dataclass(frozen=True, kw_only=True)
class NetworkOptions(RestorerOptions):
    """`type: network`: a student by its weights."""

    weights: str
    """a `.pth` file of this package or BasicSR, or a name that `spikereveal weights list` shows"""
    density: float | Literal['auto'] | None = None
    """how many times denser the spikes are made before the network sees them, by adding up neighbouring readouts
    (`physics/density.py`); 1.0 leaves them as they are, `auto` makes a camera of any threshold look like the one of
    the training data; by default what the weights' card says, 1.0 for a file without a card"""
    engine: str = 'eager'
    """`eager`; `winograd` (LDN on a CPU: the fastest there; its first frame ever compiles for seconds); `auto`
    (`winograd` where that can run, else `eager`); `compiled` (torch.compile: slow to start); `bf16` (CPUs and GPUs that
    have it); `onnx` (ONNX Runtime, extra `export`): the same frames up to rounding"""
    then: str | None = None
    """weights of DASR or SpikeEDSR, after a network of another method that works at the sensor's size"""
    tile: int | None = None
    """side of the tiles, in image pixels, that a large image is cut into (`eager` only); by default whole"""

    def build(self, device: torch.device) -> Restorer:
        """Make the restorer.

        Raises:
            SpikeDataError: the file is missing or damaged, or its hash is not the registered one.
            OptionError: an option is out of range, or the network does not deblur by itself.
            EnvironmentProblemError: this machine lacks what the engine needs.
        """
        if (peer := self._peer()) is not None:
            return peer.build(device)
        student = load_student(self.weights)
        try:
            wants = Density(student.card.density if self.density is None else self.density, student.card.threshold)
        except ValueError as error:
            raise OptionError(str(error)) from None
        return build_engine(self.engine, student.network, device, self.tile, wants)

    def _peer(self) -> PeerOptions | None:
        """Options of a network of another method of Table 1; None where the weights are of something else."""
        card = read_card(find_weights(self.weights))
        if card is None or card.network.get('type') not in {network.__name__ for network in FORMS}:
            if self.then is not None:
                raise OptionError(f'then: comes after a network of another method, and {self.weights} is none')
            return None
        if self.engine not in ('eager', 'auto') or self.tile is not None:
            raise OptionError(f'{card.network["type"]}: only the engine eager without tiles runs it')
        return PeerOptions(weights=self.weights, then=self.then)

    def files(self) -> tuple[Path, ...]:
        named = {'weights': self.weights, 'then': self.then}
        return tuple(weights_file(value, where) for where, value in named.items() if value)
