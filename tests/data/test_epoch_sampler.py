import pytest
from basicsr.data.data_sampler import EnlargedSampler

from spikereveal_plugin.data.epoch_sampler import EpochSampler


def indices(sampler: EpochSampler) -> list[int]:
    return [draw.index for draw in sampler]


@pytest.mark.parametrize('ratio', [1, 3])
def test_one_process_sees_basicsrs_order(ratio: int):
    stock, ours = EnlargedSampler(range(8), 1, 0, ratio), EpochSampler(8, 4, ratio=ratio)
    for epoch in (0, 5):
        stock.set_epoch(epoch)
        ours.go_to(epoch)
        assert indices(ours) == list(stock)


@pytest.mark.parametrize('processes', [2, 3, 6])
def test_the_batches_of_several_processes_are_those_of_one(processes: int):
    """11 samples: BasicSR pads them to 12 for two processes and shuffles again."""
    whole = indices(EpochSampler(11, 6, ratio=3))
    parts = [indices(EpochSampler(11, 6, processes, rank, ratio=3)) for rank in range(processes)]
    each = 6 // processes
    for number in range(33 // 6):
        together = [i for part in parts for i in part[number * each : (number + 1) * each]]
        assert sorted(together) == sorted(whole[number * 6 : (number + 1) * 6])
    assert {len(part) for part in parts} == {5 * each}


def test_a_pass_goes_on_where_it_stopped():
    sampler = EpochSampler(20, 4, 2, 1)
    sampler.go_to(3)
    whole = list(sampler)
    sampler.go_to(3, start=8)
    assert list(sampler) == whole[4:]
    assert [draw.position for draw in whole] == list(range(1, 20, 2))


def test_the_rest_that_fills_no_batch_is_left_out():
    sampler = EpochSampler(11, 4)
    assert (sampler.iters_per_epoch, len(sampler), len(indices(sampler))) == (2, 8, 8)
    assert EpochSampler(3, 4).iters_per_epoch == 0
