from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from spikereveal_plugin.building.exposure_runs import RUN_LENGTH, SequencePlan, plan_runs, share_out, without_finished
from spikereveal_plugin.building.footage import Footage
from spikereveal_plugin.building.framing import Framing


def sequences(*counts):
    framing = Framing(16, 16, 16, 16)
    footage = [Footage(f's{number}', Path('x'), 0) for number in range(len(counts))]
    return [SequencePlan(item, framing, ('train',) * count) for item, count in zip(footage, counts, strict=True)]


def exposures(runs):
    return [(run.sequence.footage.name, index) for run in runs for index in run.indices]


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=4), shards=st.integers(1, 9))
def test_shards_hold_each_exposure_once(counts, shards):
    plans = sequences(*counts)
    found = [item for i in range(1, shards + 1) for item in exposures(plan_runs(plans, (i, shards)))]
    assert sorted(found) == sorted((f's{n}', i) for n, count in enumerate(counts) for i in range(1, count + 1))
    assert all(len(run.indices) <= RUN_LENGTH for run in plan_runs(plans, (1, 1)))


@given(finished=st.sets(st.integers(1, RUN_LENGTH)), workers=st.integers(1, 8))
def test_what_is_left_has_no_gap_and_each_worker_gets_some(finished, workers):
    (run,) = plan_runs(sequences(RUN_LENGTH), (1, 1))
    rest = without_finished(run, finished.__contains__)
    shared = share_out(rest, workers)
    left = [index for index in range(1, RUN_LENGTH + 1) if index not in finished]
    for runs in (rest, shared):
        assert [index for _, index in exposures(runs)] == left
        assert all(list(run.indices) == list(range(run.indices[0], run.indices[-1] + 1)) for run in runs)
    assert len(shared) >= min(workers, len(left))
