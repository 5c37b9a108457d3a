import numpy as np
import pytest
from scipy import stats

from spikereveal_plugin.compare.report.intervals import interval, paired_interval

SCORES = np.random.default_rng(3).normal(28, 2, 40)


def test_agrees_with_scipy():
    expected = stats.bootstrap((SCORES,), np.mean, n_resamples=4000, method='percentile', rng=1).confidence_interval
    np.testing.assert_allclose(interval(SCORES, 4000, seed=0), (expected.low, expected.high), atol=0.06)


def test_a_seed_decides_it():
    assert interval(SCORES, 500, seed=0) == interval(SCORES, 500, seed=0)
    assert interval(SCORES, 500, seed=0) != interval(SCORES, 500, seed=1)


def test_pairing_removes_what_samples_share():
    """Two methods that differ by a constant: their difference is certain, however much the samples vary."""
    low, high = paired_interval(SCORES - 0.25, SCORES, 500, seed=0)
    np.testing.assert_allclose((low, high), -0.25)


@pytest.mark.parametrize('values', [[30.0], [30.0, 31.0], [30.0, 31.0, float('inf')]])
def test_nothing_is_said_of_too_few_or_infinite_scores(values):
    assert interval(values, 500, seed=0) is None
    assert paired_interval(values, values, 500, seed=0) is None
