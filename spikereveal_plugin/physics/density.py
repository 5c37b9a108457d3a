"""How dense spikes are against light: the camera's threshold, observed without knowing it (from Eq. 5)."""

import math

import torch
from torch import Tensor

from spikereveal_plugin.physics.gray import gray


def observed_threshold(blur: Tensor, long_rate: Tensor) -> float:
    """Estimate theta as mean(gray(B)) / mean(TFP_long).

    Averaged over the image, Eq. 5 reads mean(gray(B)) ~ theta mean(TFP_long), and both means are known. No pixel needs
    to match another, so misalignment and another size of the sensor do no harm.

    Args:
        blur: (B, 3, H, W), RGB in [0, 1].
        long_rate: (B, 1, h, w), firing rate over the exposure, in [0, 1].

    Returns:
        The threshold in units of full light a readout: about 1, 2 or 4 on the paper's three simulations.

    Raises:
        ValueError: no spike fell during the exposure, or the image is black: there is no scale to observe.
    """
    light, rate = float(gray(blur).mean()), float(long_rate.mean())
    if not (light > 0 and rate > 0):
        raise ValueError(
            f'observed threshold: the mean light is {light} and the mean firing rate {rate}; both must be positive'
        )
    return light / rate


def rate_as_gray(rate: Tensor, long_rate: Tensor, blur: Tensor) -> Tensor:
    """Scale a firing rate to the light of the photo: rate * mean(gray(B)) / mean(TFP_long), by Eq. 5 and 6.

    Args:
        rate: (B, 1, h, w), firing rate around an instant.
        long_rate: (B, 1, h, w), firing rate over the exposure.
        blur: (B, 3, H, W), RGB in [0, 1].

    Returns:
        (B, 1, h, w): what the gray of the sharp frame is at the instant, on average over noise; 0 for an image whose
        pixels never fired during the exposure, which has no scale.
    """
    light, long = (image.mean((1, 2, 3), keepdim=True) for image in (gray(blur), long_rate))
    silent = long == 0
    return rate * (light / torch.where(silent, 1, long)).masked_fill(silent, 0)


def density_kernel(ratio: float) -> tuple[float, ...]:
    """Return weights of an odd number of neighbouring readouts, symmetric, at most 1 each, that sum to `ratio`.

    1 is (1,), 2 is (0.5, 1, 0.5), 4 is (0.5, 1, 1, 1, 0.5); below 1 it is (ratio,).

    Raises:
        ValueError: `ratio` is not positive and finite.
    """
    if not 0 < ratio < math.inf:
        raise ValueError(f'density: expected a positive ratio, got {ratio}')
    if ratio <= 1:
        return (ratio,)
    side = (ratio - 1) / 2
    weights = [min(1.0, side - place) for place in range(math.ceil(side))]
    return (*reversed(weights), 1.0, *weights)


def normalise_density(spikes: Tensor, ratio: float) -> Tensor:
    """Add up neighbouring readouts until a stream is `ratio` times as dense.

    A camera of threshold theta fires light / theta. A network trained at theta_0 knows the density light / theta_0;
    with ratio = theta / theta_0, the sum over `ratio` readouts has it, and since a pixel fires at most about once in
    theta readouts, the values stay near 0 and 1. Time is resolved `ratio` times less. Multiplying readouts by `ratio`
    gives the same mean with values that no camera fires; measured, it restores worse (docs/design.md).

    Args:
        spikes: (B, T, h, w), floating, 0 and 1.
        ratio: threshold of the camera over that of the training data.

    Returns:
        (B, T, h, w); at the stream's ends, the readouts that are there stand for those that are not.
    """
    kernel = density_kernel(ratio)
    if len(kernel) == 1:
        return spikes * kernel[0]
    reach, count = len(kernel) // 2, spikes.shape[1]
    total, weight = torch.zeros_like(spikes), spikes.new_zeros(1, count, 1, 1)
    for shift in range(max(-reach, 1 - count), min(reach, count - 1) + 1):
        here, there = slice(max(0, -shift), count - max(0, shift)), slice(max(0, shift), count + min(0, shift))
        total[:, here] += kernel[shift + reach] * spikes[:, there]
        weight[:, here] += kernel[shift + reach]
    return total * (ratio / weight)
