import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spikereveal_plugin.exposure import Exposure

GOPRO = Exposure()
RSB = Exposure(first=0, length=400)


def test_ends_and_centre():
    assert (GOPRO.first, GOPRO.last, GOPRO.stop, GOPRO.centre) == (20, 116, 117, 68)
    assert (RSB.last, RSB.stop, RSB.centre) == (399, 400, 200)


@pytest.mark.parametrize(
    ('count', 'expected'), [(1, (68,)), (5, (20, 44, 68, 92, 116)), (7, (20, 36, 52, 68, 84, 100, 116))]
)
def test_published_instants(count, expected):
    assert GOPRO.instants(count, 21, 137) == expected


def test_ends_move_inward_only_as_far_as_the_window_needs():
    rsb = RSB.instants(5, 21, 400)
    assert (rsb[0], rsb[-1]) == (10, 389)
    assert RSB.instants(2, 1, 400) == (0, 399)
    assert GOPRO.instants(2, 43, 137) == (21, 115)


def test_one_instant_moves_inward_too():
    assert Exposure(0, 1).instants(1, 1, 9) == (0,)
    assert Exposure(0, 5).instants(1, 7, 9) == (3,)


@settings(deadline=None, max_examples=50)
@given(
    first=st.integers(0, 50),
    length=st.integers(1, 120),
    after=st.integers(0, 50),
    half=st.integers(0, 30),
    count=st.integers(1, 40),
)
def test_instants_are_increasing_even_and_inside(first, length, after, half, count):
    exposure, num_readouts = Exposure(first, length), first + length + after
    low, high = max(first, half), min(exposure.last, num_readouts - 1 - half)
    assume(high - low >= count - 1)
    instants = exposure.instants(count, 2 * half + 1, num_readouts)
    assert len(instants) == count
    assert low <= instants[0]
    assert instants[-1] <= high
    steps = [later - earlier for earlier, later in itertools.pairwise(instants)]
    assert all(step >= 1 for step in steps)
    assert not steps or max(steps) - min(steps) <= 1
    assert count == 1 or (instants[0], instants[-1]) == (low, high)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((0, 21, 137), 'count must be 1 or more, got 0'),
        ((5, 20, 137), 'window must be odd and positive to have a centre, got 20'),
        ((5, 21, 116), r'exposure \[20, 116\] leaves the stream of 116 readouts'),
        ((98, 1, 137), r'98 different instants do not fit in readouts \[20, 116\]'),
        ((1, 139, 137), 'no window of 139 readouts'),
    ],
)
def test_impossible_instants_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        GOPRO.instants(*arguments)


@pytest.mark.parametrize(('first', 'length', 'message'), [(-1, 97, 'got -1'), (20, 0, 'length must be 1 or more')])
def test_impossible_exposures_are_refused(first, length, message):
    with pytest.raises(ValueError, match=message):
        Exposure(first, length)
