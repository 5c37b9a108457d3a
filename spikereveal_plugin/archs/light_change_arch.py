"""Light change as a network without weights: a label-free teacher, and a method of its own."""

from typing import NamedTuple

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn

from spikereveal_plugin.archs.descriptor import Descriptor
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.light_change import add_change, colour_lines, light_change, shrink, taper_noise
from spikereveal_plugin.physics.taper import gaussian_taper, tapered_rate

UPSCALE = 4
SIGMA = 4.0  # readouts, of the taper at threshold 1
NOISE_SPIKES = 1 / 140  # a readout: what a spike camera fires by itself, as the published simulation has it
GROWTH = 0.6  # a camera of twice the threshold fires half as often: its taper is longer by 2^GROWTH


class Photo(NamedTuple):
    """What all instants of a photo share."""

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
            inputs=('blur', 'window', 'long_rate'), num_spike=num_spike, upscale=UPSCALE, is_traceable=False
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
        windows = spikes if spikes.dim() == 5 else spikes[:, None]
        height, width = spikes.shape[-2:]
        if windows.shape[2:3] != (self.num_spike,) or blur.shape[-2:] != (UPSCALE * height, UPSCALE * width):
            raise ValueError(
                f'LightChange: expected spikes (B, {self.num_spike}, H, W) and a blurry image (B, 3, 4H, 4W), got '
                f'{tuple(spikes.shape)} and {tuple(blur.shape)}'
            )
        samples = zip(blur[:, None], windows, long_rate[:, None], strict=True)
        frames = torch.stack([self.change(photo, self.read(photo, rate), window) for photo, window, rate in samples])
        return frames if spikes.dim() == 5 else frames[:, 0]

    def read(self, blur: Tensor, long_rate: Tensor) -> Photo:
        """What one photo (1, 3, 4H, 4W) and its rate (1, 1, H, W) say of all its instants."""
        threshold = gray(blur).mean((1, 2, 3), keepdim=True) / long_rate.mean((1, 2, 3), keepdim=True).clamp(min=1e-6)
        weights = gaussian_taper(self.num_spike, taper_sigma(float(threshold))).to(long_rate)
        noise = self.strength * threshold * taper_noise(weights, long_rate, NOISE_SPIKES)
        return Photo(long_rate, threshold, weights, noise, colour_lines(blur, *long_rate.shape[-2:]))

    def change(self, blur: Tensor, photo: Photo, windows: Tensor) -> Tensor:
        """The frames (N, 3, 4H, 4W) of one photo at the instants of windows (N, num_spike, H, W)."""
        short_rates = tapered_rate(windows, photo.weights).transpose(0, 1)
        changes = shrink(light_change(short_rates, photo.long_rate, photo.threshold), photo.noise)
        return add_change(blur, changes, photo.colours)[0]


def taper_sigma(threshold: float) -> float:
    """Return the Gaussian's readouts for a camera of a threshold: 4 up to 1, 6 at 2, 9 at 4."""
    return SIGMA * max(1.0, threshold) ** GROWTH
