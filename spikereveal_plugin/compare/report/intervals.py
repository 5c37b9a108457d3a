"""Bootstrap confidence intervals of means, over samples."""

from collections.abc import Sequence

import numpy as np

LEVEL = 0.95
FEWEST = 3  # samples; the interval of two would be the two themselves


def resample_means(
    values: Sequence[float], resamples: int, seed: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the means of `resamples` draws of as many samples with replacement.

    Equal seeds and numbers of samples draw the same samples, so that two methods' means may be subtracted (paired).
    """
    scores = np.asarray(values, np.float64)
    generator = np.random.default_rng(seed)
    return np.stack([scores[generator.integers(0, len(scores), len(scores))].mean() for _ in range(resamples)])


def interval(values: Sequence[float], resamples: int, seed: int) -> tuple[float, float] | None:
    """Return the percentile interval of the mean at 95 %.

    None where there are fewer than three samples, or a score is infinite: then nothing can be said.
    """
    if len(values) < FEWEST or not np.isfinite(values).all():
        return None
    return _percentiles(resample_means(values, resamples, seed))


def paired_interval(
    values: Sequence[float], others: Sequence[float], resamples: int, seed: int
) -> tuple[float, float] | None:
    """Return the interval of the mean difference `values - others` of the same samples, or None as `interval`."""
    if len(values) != len(others):
        raise ValueError(f'{len(values)} and {len(others)} scores cannot be paired')
    if not (np.isfinite(values).all() and np.isfinite(others).all()):
        return None
    return interval(list(np.subtract(values, others)), resamples, seed)


def _percentiles(means: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float]:
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)
