"""Random crops that depend on the place in the run, not on the worker that makes them or on what ran before."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from spikereveal_plugin.seeding import stable_seed


@dataclass(frozen=True, slots=True)
class Draw:
    """One item of a run: sample `index`, at place `position` in the order of pass `epoch` over the data."""

    epoch: int
    position: int
    index: int


class SeededDataset(Dataset[Any]):
    """A dataset, also a stock one, whose random numbers for an item come from (seed, epoch, position) alone.

    So an item is the same with any number of workers, in any number of processes, and after a resume in the middle of
    an epoch. Python's, NumPy's and PyTorch's global generators are seeded for the item; in the training's own process
    they are put back, so that the data does not disturb the model's random numbers.
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        self.dataset, self.seed, self.opt = dataset, seed, dataset.opt

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw) -> Any:
        with _seeded(stable_seed(self.seed, str(draw.epoch), str(draw.position))):
            return self.dataset[draw.index]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    is_own_process = get_worker_info() is None
    if is_own_process:
        states = random.getstate(), np.random.get_state(), torch.default_generator.get_state()
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach for CUDA
    try:
        yield
    finally:
        if is_own_process:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.default_generator.set_state(states[2])
