"""The order of the training data: one order a pass, however many processes share it and wherever they begin."""

from collections.abc import Iterator

import torch
from basicsr.data.data_sampler import EnlargedSampler

from spikereveal_plugin.data.seeded_dataset import Draw


class EpochSampler(EnlargedSampler):
    """BasicSR's sampler, that can begin in the middle and whose order does not depend on the number of processes.

    BasicSR pads the data to a multiple of the processes before it shuffles, so two processes see another order than
    one. Here the pass is cut after its last whole batch instead (BasicSR drops the rest too), and process r of N takes
    places r, r + N, ...: together they see, batch for batch, what one process sees with a batch N times as large.

    Args:
        size: samples of the data set.
        batch: samples of one iteration, of all processes together.
        num_replicas: number of processes.
        rank: this process.
        ratio: times that a pass goes over the data.
    """

    def __init__(self, size: int, batch: int, num_replicas: int = 1, rank: int = 0, ratio: int = 1) -> None:
        super().__init__(range(size), num_replicas, rank, ratio)
        self.batch = batch
        self.iters_per_epoch = size * ratio // batch
        self.total_size = self.iters_per_epoch * batch
        self.num_samples = self.total_size // num_replicas
        self.length = size * ratio
        self.start = 0

    def go_to(self, epoch: int, start: int = 0) -> None:
        """Set the pass, and the samples of it (of all processes) that are done."""
        self.set_epoch(epoch)
        self.start = start

    @property
    def remaining(self) -> int:
        """Whole batches from `start` to the end of the pass."""
        return max(self.total_size - self.start, 0) // self.batch

    def __iter__(self) -> Iterator[Draw]:
        order = torch.randperm(self.length, generator=torch.Generator().manual_seed(self.epoch)).tolist()
        for position in range(self.start + self.rank, self.total_size, self.num_replicas):
            yield Draw(self.epoch, position, order[position] % len(self.dataset))
