"""What a camera of a higher threshold would have recorded of the same light."""

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
