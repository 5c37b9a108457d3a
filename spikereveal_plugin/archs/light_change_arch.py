"""Light change as a network without weights: a label-free teacher, and a method of its own."""

from typing import NamedTuple

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.descriptor import Descriptor
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.light_change import (
    COLOUR_REACH,
    add_change,
    colour_lines,
    light_change,
    rare_noise,
    shrink,
    taper_noise,
)
from spikereveal_plugin.physics.taper import gaussian_tapers

UPSCALE = 4
MIN_SIDE = int(3 * COLOUR_REACH + 0.5) + 1  # what a graph that smooths as far as that mirrors
SIGMA = 4.0  # readouts, of the taper at threshold 1
NOISE_SPIKES = 1 / 140  # a readout: what a spike camera fires by itself, as the published simulation has it
GROWTH = 0.6  # a camera of twice the threshold fires half as often: its taper is longer by 2^GROWTH


class Photo(NamedTuple):
    """What all instants of photos share: `weights` (B, num_spike, 1, 1), the others (B, C, H, W) or (B, 1, 1, 1)."""

    long_rate: Tensor
    threshold: Tensor
    weights: Tensor
    noise: Tensor
    colours: Tensor


@ARCH_REGISTRY.register()
class LightChange(nn.Module):
    """`blur + shrink(theta (short - long)) * colour` (physics/light_change.py), for spikes as recorded.

    The threshold is observed on each photo; taper and noise follow from it.

    Args:
        num_spike: readouts of the window, odd.
        strength: changes below so many standard deviations of the noise are taken back.
    """

    def __init__(self, *, num_spike: int = 41, strength: float = 0.5) -> None:
        super().__init__()
        if num_spike < 1 or num_spike % 2 == 0 or not strength >= 0:
            raise ValueError(
                f'LightChange: expected an odd num_spike and a strength of 0 or more, got {num_spike}, {strength}'
            )
        self.num_spike, self.strength = num_spike, strength
        self.upscale = UPSCALE
        self.descriptor = Descriptor(
            inputs=('blur', 'window', 'long_rate'),
            num_spike=num_spike,
            any_threshold=True,
            min_side=MIN_SIDE,
            upscale=UPSCALE,
        )

    def forward(self, blur: Tensor, spikes: Tensor, long_rate: Tensor) -> Tensor:
        """Return (B, 3, 4H, 4W), or (B, N, 3, 4H, 4W), not clipped.

        Args:
            blur: (B, 3, 4H, 4W), RGB in [0, 1].
            spikes: (B, num_spike, H, W), or (B, N, num_spike, H, W) for N instants.
            long_rate: (B, 1, H, W), firing rate over the exposure, at the density of `spikes`.

        Raises:
            ValueError: the shapes are not these.
        """
        windows = windows_of(self, blur, spikes)
        photo = self.read(blur, long_rate)
        frames = add_change(blur, self.changes(photo, windows), photo.colours)
        return frames if spikes.dim() == 5 else frames[:, 0]

    def read(self, blur: Tensor, long_rate: Tensor) -> Photo:
        """What photos (B, 3, 4H, 4W) and their rates (B, 1, H, W) say of all their instants."""
        threshold = gray(blur).mean((1, 2, 3), keepdim=True) / long_rate.mean((1, 2, 3), keepdim=True).clamp(min=1e-6)
        weights = gaussian_tapers(self.num_spike, taper_sigma(threshold.flatten()))
        noise = self.strength * threshold * taper_noise(weights, long_rate, NOISE_SPIKES) * rare_noise(long_rate)
        return Photo(long_rate, threshold, weights[:, :, None, None], noise, colour_lines(F.avg_pool2d(blur, UPSCALE)))

    def changes(self, photo: Photo, windows: Tensor) -> Tensor:
        """How the light (B, N, H, W) of instants differs, of windows (B, N, num_spike, H, W); in full precision."""
        with torch.autocast(windows.device.type, enabled=False):  # rates differ by less than bfloat16 tells apart
            short_rates = torch.einsum('bnthw,bt->bnhw', windows, photo.weights[:, :, 0, 0])
            return shrink(light_change(short_rates, photo.long_rate, photo.threshold), photo.noise)


def windows_of(network: LightChange, blur: Tensor, spikes: Tensor) -> Tensor:
    """Return windows (B, N, num_spike, H, W) of spikes that have them or are those of one instant.

    Raises:
        ValueError: the shapes are not those of `LightChange.forward`.
    """
    windows = spikes if spikes.dim() == 5 else spikes[:, None]
    height, width = spikes.shape[-2:]
    expected = (spikes.shape[0], 3, UPSCALE * height, UPSCALE * width)
    if windows.shape[2:3] != (network.num_spike,) or tuple(blur.shape) != expected:
        raise ValueError(
            f'light change: expected spikes (B, {network.num_spike}, H, W) and a blurry image (B, 3, 4H, 4W), got '
            f'{tuple(spikes.shape)} and {tuple(blur.shape)}'
        )
    return windows


def taper_sigma(threshold: Tensor) -> Tensor:
    """Return the Gaussian's readouts for cameras of thresholds: 4 up to 1, 6 at 2, 9 at 4."""
    return SIGMA * threshold.clamp(min=1) ** GROWTH
