"""How dense spikes are against light: the camera's threshold, observed without knowing it (from Eq. 5)."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.physics.tfp import exposure_rate, spike_window


@dataclass(frozen=True)
class Density:
    """How dense a network wants spikes to be.

    Raises:
        ValueError: a field is no positive, finite number.
    """

    value: float | Literal['auto'] = 1.0
    """times denser than recorded; `auto`: as dense as those of a camera of `threshold`"""
    threshold: float = 1.0
    """of the camera in the training data, in units of full light a readout"""

    def __post_init__(self) -> None:
        for name, number in (('density', self.value), ('trained threshold', self.threshold)):
            is_auto = name == 'density' and number == 'auto'
            if not is_auto and not (isinstance(number, int | float) and 0 < number < math.inf):
                either = 'auto or ' if name == 'density' else ''
                raise ValueError(
                    f'{name}: expected {either}a positive number, 1.0 for spikes as they are, got {number!r}'
                )

    def ratio_at(self, threshold: float) -> float:
        """How many times denser the spikes of a camera of a threshold are made."""
        return threshold / self.threshold if self.value == 'auto' else float(self.value)

    def ratio(self, blur: Tensor, long_rate: Tensor) -> float:
        """How many times denser the spikes of a photo are made; the arguments are those of `observed_threshold`.

        Raises:
            ValueError: as `observed_threshold`, where the density is `auto`.
        """
        return float(self.value) if self.value != 'auto' else self.ratio_at(observed_threshold(blur, long_rate))


AS_RECORDED = Density()


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


def dense_window(spikes: Tensor, instant: int, length: int, ratio: float) -> Tensor:
    """Cut the window around an instant out of a stream that is made `ratio` times as dense.

    Only the readouts that the window depends on are made denser.

    Args:
        spikes: (B, T, h, w) of 0 and 1, of any type.
        instant: readout index of the window's centre.
        length: readouts in the window, odd.
        ratio: as in `normalise_density`.

    Returns:
        (B, length, h, w), floating.

    Raises:
        ValueError: `length` is even, or the window leaves the stream.
    """
    window = spike_window(spikes, instant, length)
    if ratio == 1:
        return _floating(window)
    reach, half = len(density_kernel(ratio)) // 2, length // 2
    first, stop = max(0, instant - half - reach), min(spikes.shape[1], instant + half + 1 + reach)
    return spike_window(normalise_density(_floating(spikes[:, first:stop]), ratio), instant - first, length)


def dense_exposure_rate(spikes: Tensor, exposure: Exposure, ratio: float) -> Tensor:
    """Average the readouts of an exposure (TFP_long) of a stream that is made `ratio` times as dense.

    Args:
        spikes: (B, T, h, w) of 0 and 1, of any type.
        exposure: the readouts to average.
        ratio: as in `normalise_density`.

    Returns:
        (B, 1, h, w), floating.

    Raises:
        ValueError: the exposure leaves the stream.
    """
    if ratio == 1:
        return exposure_rate(spikes, exposure)
    first, weights = exposure_weights(exposure, spikes.shape[1], ratio)
    rate = torch.zeros_like(_floating(spikes[:, 0]))
    for readout, weight in enumerate(weights, start=first):
        rate.add_(_floating(spikes[:, readout]), alpha=weight)
    return rate[:, None]


def exposure_weights(exposure: Exposure, num_readouts: int, ratio: float) -> tuple[int, list[float]]:
    """What each readout counts for in the rate over an exposure of a stream made `ratio` times as dense.

    Returns:
        The first readout that counts, and the weights from it on.

    Raises:
        ValueError: the exposure leaves the stream.
    """
    reach = len(density_kernel(ratio)) // 2
    first, stop = max(0, exposure.first - reach), min(num_readouts, exposure.stop + reach)
    each = torch.eye(stop - first)[None, :, :, None]  # as many pixels as readouts, each fires once
    rate = exposure_rate(normalise_density(each, ratio), Exposure(exposure.first - first, exposure.length))
    return first, rate.flatten().tolist()


def _floating(spikes: Tensor) -> Tensor:
    return spikes if spikes.is_floating_point() else spikes.to(torch.float32)
