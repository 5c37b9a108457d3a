"""Where a run is: iteration, epoch, and samples of the epoch that are done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spikereveal_plugin.data.epoch_sampler import EpochSampler
from spikereveal_plugin.pipelines.log import root_logger


@dataclass
class Position:
    """A place in a run.

    Args:
        length: samples of one pass over the data.
        iteration: iterations done.
        epoch: passes over the data done.
        samples: samples of the present pass that are done, of all processes together.
    """

    length: int
    iteration: int = 0
    epoch: int = 0
    samples: int = 0

    def state(self) -> dict[str, int]:
        """The place as a training state holds it, beside BasicSR's `epoch` and `iter`."""
        return {'length': self.length, 'samples': self.samples}

    def advance(self, samples: int) -> None:
        """One iteration more."""
        self.iteration += 1
        self.samples += samples

    def next_epoch(self) -> None:
        """Begin another pass."""
        self.epoch, self.samples = self.epoch + 1, 0


def resumed_place(state: Mapping[str, Any], sampler: EpochSampler) -> Position:
    """The place that a training state describes; one that BasicSR wrote knows its iteration only."""
    iteration, epoch = int(state['iter']), int(state['epoch'])
    if 'place' not in state:
        epoch, done = divmod(iteration, sampler.iters_per_epoch)
        return Position(sampler.length, iteration, epoch, done * sampler.batch)
    if (length := state['place']['length']) != sampler.length:
        root_logger().warning(
            f'The training data has {sampler.length} samples, and had {length} when this run was saved; a new epoch '
            'begins'
        )
        return Position(sampler.length, iteration, epoch + 1)
    return Position(length, iteration, epoch, state['place']['samples'])
