"""What a camera of a higher threshold, or of more noise, would have recorded of the same light."""

import torch
from torch import Tensor


def raise_threshold(spikes: Tensor, factor: int, phase: Tensor) -> Tensor:
    """Keep every `factor`-th spike of each pixel: the stream of a camera whose threshold is `factor` times as high.

    An integrator of threshold theta that keeps its remainder (Eq. 1) has fired floor(charge / theta) times; one of
    factor * theta, floor(charge / (factor * theta)), which is every factor-th of those spikes, at the same readouts.
    `phase` is the charge that the higher integrator started with. Spikes of inherent noise are thinned too.

    Args:
        spikes: (..., T, h, w) of 0 and 1, uint8 or bool.
        factor: whole, at least 1.
        phase: (..., h, w), whole, in [0, factor): spikes' worth of charge before the first readout.

    Returns:
        (..., T, h, w), the type of `spikes`.

    Raises:
        ValueError: `factor` is below 1.
    """
    if factor < 1:
        raise ValueError(f'threshold: expected a whole factor of at least 1, got {factor}')
    if factor == 1:
        return spikes
    fired = spikes.cumsum(-3, dtype=torch.int32) + phase.unsqueeze(-3)
    return spikes * (fired % factor == 0)


def add_noise_spikes(spikes: Tensor, probability: float) -> Tensor:
    """Let each pixel fire by itself with a probability in each readout, drawn from PyTorch's generator.

    A camera's inherent noise does not depend on its threshold, while `raise_threshold` thins what was recorded of it,
    to one in `factor`; this adds to what is left. In the paper's simulation it is one spike in 140 readouts.

    Args:
        spikes: (..., T, h, w) of 0 and 1, uint8 or bool.
        probability: in [0, 1).

    Returns:
        (..., T, h, w), the type of `spikes`.
    """
    if not probability:
        return spikes
    return spikes | (torch.rand(spikes.shape, device=spikes.device) < probability).to(spikes.dtype)


def spoilt_rate(rate: float, factor: int, probability: float) -> float:
    """Return the mean firing rate that `raise_threshold` and then `add_noise_spikes` leave of `rate`."""
    thinned = rate / factor
    return thinned + probability * (1 - thinned)
