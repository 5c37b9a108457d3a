import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from spikereveal_plugin.data.epoch_sampler import EpochSampler
from spikereveal_plugin.data.seeded_dataset import Draw, SeededDataset


class Noise(Dataset[list[float]]):
    """Draws from every generator that a stock data set may use."""

    def __init__(self) -> None:
        self.opt = {'name': 'noise'}

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> list[float]:
        return [float(index), random.random(), float(np.random.random()), torch.rand(()).item()]


def batches(workers: int, *places: tuple[int, int]) -> list[torch.Tensor]:
    sampler = EpochSampler(6, 2)
    loader = DataLoader(
        SeededDataset(Noise(), 7), 2, sampler=sampler, num_workers=workers, persistent_workers=workers > 0
    )
    found = []
    for epoch, start in places:
        sampler.go_to(epoch, start)
        found += [torch.stack(batch, 1) for batch in loader]
    return found


@pytest.mark.parametrize('workers', [1, 2])
def test_items_do_not_depend_on_workers_or_on_where_one_begins(workers: int):
    whole = batches(0, (0, 0), (1, 0))
    torch.testing.assert_close(batches(workers, (0, 0), (1, 0)), whole, rtol=0, atol=0)
    torch.testing.assert_close(batches(workers, (0, 4), (1, 0)), whole[2:], rtol=0, atol=0)


def test_every_place_draws_anew():
    drawn = torch.cat(batches(0, (0, 0), (1, 0)))
    assert all(len(set(column)) == 12 for column in drawn.T[1:].tolist())
    assert SeededDataset(Noise(), 1)[Draw(0, 0, 0)] != SeededDataset(Noise(), 2)[Draw(0, 0, 0)]


def test_the_models_generators_are_left_alone():
    def draw() -> tuple[float, float, float]:
        return random.random(), float(np.random.random()), torch.rand(()).item()

    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    expected = [draw() for _ in range(2)]
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    first = draw()
    SeededDataset(Noise(), 1)[Draw(0, 3, 2)]
    assert [first, draw()] == expected
