"""Firing rates of a window whose readouts fade towards its ends: less noise of counting for the same sharpness.

A camera that integrates and fires (Eq. 1) loses no light: what it rounds off at one readout it fires later. The error
of a count lies in the two ends of its window alone, in a spike that fell just inside or just outside. Weights that fade
towards the ends leave that error little to act on, as the filters behind a sigma-delta converter do (Candy
1986); the flat window of the paper's TFP bears it whole.
"""

import torch
from torch import Tensor

LIGHT_FLOOR = 0.02  # added to rates before they are divided: a pixel that hardly fires keeps the photo's light


def gaussian_taper(length: int, sigma: float) -> Tensor:
    """Return the weights (length,) of a window's readouts, a Gaussian of `sigma` readouts about its middle; sum 1.

    Raises:
        ValueError: `length` is even, or `sigma` is not positive.
    """
    if length < 1 or length % 2 == 0 or not sigma > 0:
        raise ValueError(f'taper: expected an odd window and a positive sigma, got {length} and {sigma}')
    return gaussian_tapers(length, torch.tensor([sigma], dtype=torch.float64))[0].float()


def gaussian_tapers(length: int, sigmas: Tensor) -> Tensor:
    """Return one taper a row, (K, length), for positive `sigmas` (K,); each sums to 1."""
    places = torch.arange(length, dtype=sigmas.dtype, device=sigmas.device) - length // 2
    weights = torch.exp(-0.5 * (places / sigmas[:, None]).square())
    return weights / weights.sum(1, keepdim=True)


def tapered_rate(window: Tensor, weights: Tensor) -> Tensor:
    """Average the readouts of a window, each by its weight.

    Args:
        window: (B, n, h, w), floating, spikes around an instant.
        weights: (n,), or (K, n) for K averages of the same window.

    Returns:
        (B, K, h, w), K being 1 for a single row of weights.
    """
    rows = torch.atleast_2d(weights).to(window)
    return torch.nn.functional.conv2d(window, rows[:, :, None, None])


def floored_gain(short_rate: Tensor, long_rate: Tensor) -> Tensor:
    """The factor of Eq. 8 with `LIGHT_FLOOR` added to both rates: 1 where there is no light.

    Args:
        short_rate: (B, K, h, w), firing rates around the instant.
        long_rate: (B, 1, h, w), firing rate over the exposure.

    Returns:
        (B, K, h, w), positive.
    """
    return (short_rate + LIGHT_FLOOR) / (long_rate + LIGHT_FLOOR)
