import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikereveal_plugin.building.exposure_builder import Capture
from spikereveal_plugin.building.schedule import FACTORS, Schedule, plan_split
from spikereveal_plugin.errors import OptionError, SpikeDataError


def schedule(factor):
    return Schedule.for_factor(factor, Capture())


def test_published_names_and_windows():
    published = schedule(8)
    assert published.originals == 13
    assert [published.name(index) for index in (1, 2, 3)] == ['000019', '000032', '000045']
    assert published.first_readout(1) == 104 - 20
    assert published.first_readout(2) - published.first_readout(1) == 104


@pytest.mark.parametrize(('factor', 'originals'), [(8, 13), (16, 7), (32, 4)])
def test_an_exposure_has_97_readouts(factor, originals):
    assert schedule(factor).originals == originals
    assert factor * (originals - 1) + 1 == 97


@given(factor=st.sampled_from(FACTORS), num_frames=st.integers(1, 2000))
def test_the_count_is_the_largest_that_fits(factor, num_frames):
    plan = schedule(factor)
    last_readout = (num_frames - 1) * factor
    ends = [plan.first_readout(index) + 136 for index in range(1, num_frames + 2)]
    assert plan.count(num_frames) == sum(end <= last_readout for end in ends)


@pytest.mark.parametrize('factor', FACTORS)
def test_too_few_frames_are_refused_with_the_right_number(factor):
    plan = schedule(factor)
    needed = next(count for count in range(1, 99) if plan.count(count))
    with pytest.raises(SpikeDataError, match=rf'a.mp4: {needed - 1} frames, factor {factor} needs at least {needed};'):
        plan.check_length('a.mp4', needed - 1)
    assert plan.check_length('a.mp4', needed) == 1


@pytest.mark.parametrize('factor', [0, 1, 7, 12, 24, 96])
def test_other_factors_are_refused(factor):
    with pytest.raises(OptionError, match=r'8 \(13 frames an exposure\), 16 \(7 frames an exposure\), 32 \(4'):
        schedule(factor)


def test_the_last_fifth_is_for_testing():
    plan = plan_split({'long': 10, 'short': 2, 'single': 1}, ())
    assert plan == {'long': ('train',) * 8 + ('test',) * 2, 'short': ('train', 'test'), 'single': ('test',)}


def test_named_sequences_are_for_testing():
    assert plan_split({'a': 2, 'b': 1}, ('b',)) == {'a': ('train', 'train'), 'b': ('test',)}


@pytest.mark.parametrize('test', [('a', 'b'), ()])
def test_nothing_to_train_on_is_refused(test):
    with pytest.raises(OptionError, match='nothing is left to train on: 2'):
        plan_split({'a': 1, 'b': 1}, test)


def test_unknown_test_sequence_is_refused():
    with pytest.raises(OptionError, match="test sequence 'c' is not among the footage: a, b"):
        plan_split({'b': 1, 'a': 1}, ('c',))
