"""LDNLight, a student that begins as light change (physics/light_change.py) and corrects it."""

from typing import NamedTuple

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.blocks import ResidualBlock
from spikereveal_plugin.archs.light_change_arch import UPSCALE, LightChange, Photo, windows_of
from spikereveal_plugin.physics.light_change import add_change, light_change
from spikereveal_plugin.physics.taper import gaussian_taper, tapered_rate

TAPERS = ((0, 1.5), (0, 3.0), (0, 6.0), (0, 12.0), (-12, 4.0), (-6, 3.0), (6, 3.0), (12, 4.0))
"""Readouts from the instant, and sigma, of the tapered windows that it sees beside light change's own."""
GAIN = 8.0  # of changes and details, which are small beside the light of a photo
IMAGE_CHANNELS = 3 * UPSCALE**2  # a 4 x 4 block of the photo beside one pixel of the sensor


class Encoded(NamedTuple):
    """What all instants of photos share: `blur` (B, 3, 4H, 4W), `features` (B, C, H, W), and `Photo`'s fields, flat."""

    blur: Tensor
    features: Tensor
    long_rate: Tensor
    threshold: Tensor
    weights: Tensor
    noise: Tensor
    colours: Tensor

    @property
    def photo(self) -> Photo:
        """What light change reads of them."""
        return Photo(*self[2:])


@ARCH_REGISTRY.register()
class LDNLight(nn.Module):
    """A light deblurring network on top of light change. Images are RGB; it works at the sensor's size and half of it.

    The frame is light change's plus a correction, which is 0 at first. Spikes of any density are taken as recorded:
    changes come to it in units of light, by the threshold that is observed on each photo, beside their noise.

    Args:
        num_spike: readouts in the window around an instant, odd; 41 fits the 20 readouts that GOPRO has on both sides
            of its exposure.
        num_feat: width at the sensor's size; twice as wide at half of it.
        num_block: residual blocks at half the sensor's size.
    """

    def __init__(self, *, num_spike: int = 41, num_feat: int = 32, num_block: int = 2) -> None:
        super().__init__()
        self.light = LightChange(num_spike=num_spike)
        self.num_spike = num_spike
        self.upscale = UPSCALE
        self.descriptor = self.light.descriptor
        self.tapers: Tensor
        self.register_buffer('tapers', torch.stack([_taper(num_spike, *taper) for taper in TAPERS]), persistent=False)
        self.photo_in = nn.Conv2d(IMAGE_CHANNELS + 7, num_feat, 3, padding=1)
        self.spike_in = nn.Conv2d(len(TAPERS) + 2, num_feat, 3, padding=1)
        self.first = ResidualBlock(num_feat)
        self.down = nn.Conv2d(num_feat, 2 * num_feat, 2, stride=2)
        self.blocks = nn.Sequential(*(ResidualBlock(2 * num_feat) for _ in range(num_block)))
        self.up = nn.Conv2d(2 * num_feat, 4 * num_feat, 1)
        self.second = ResidualBlock(num_feat)
        self.last = nn.Conv2d(num_feat, IMAGE_CHANNELS, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, blur: Tensor, spikes: Tensor, long_rate: Tensor) -> Tensor:
        """Return the sharp frame of one instant, or of each of N instants, of every image; not clipped.

        Args:
            blur: (B, 3, 4H, 4W), RGB in [0, 1].
            spikes: (B, num_spike, H, W), 0. and 1.; or (B, N, num_spike, H, W).
            long_rate: (B, 1, H, W), firing rate over the exposure.

        Returns:
            (B, 3, 4H, 4W), or (B, N, 3, 4H, 4W).

        Raises:
            ValueError: the shapes are not these.
        """
        windows = windows_of(self.light, blur, spikes)
        encoded = self.encode(blur, long_rate)
        frames = torch.stack([self.decode(encoded, window) for window in windows.unbind(1)], dim=1)
        return frames if spikes.dim() == 5 else frames[:, 0]

    def encode(self, blur: Tensor, long_rate: Tensor) -> Encoded:
        """Return what serves every instant, from blur (B, 3, 4H, 4W) and long rate (B, 1, H, W)."""
        photo = self.light.read(blur, long_rate)
        mean = F.avg_pool2d(blur, UPSCALE)
        detail = F.pixel_unshuffle(blur - F.interpolate(mean, scale_factor=UPSCALE), UPSCALE)
        x = torch.cat((GAIN * detail, mean, photo.threshold * long_rate, photo.colours), dim=1)
        return Encoded(blur, self.photo_in(_channels_last(x)), *photo)

    def decode(self, encoded: Encoded, spikes: Tensor) -> Tensor:
        """Return (B, 3, 4H, 4W) from `encode`'s result and spikes (B, num_spike, H, W)."""
        change = self.light.changes(encoded.photo, spikes[:, None])
        frame = add_change(encoded.blur, change, encoded.colours)[:, 0]
        return frame + self.correction(encoded.features, encoded.photo, change, spikes)

    def correction(self, features: Tensor, photo: Photo, change: Tensor, spikes: Tensor) -> Tensor:
        """Return what it adds to light change's frame, (B, 3, 4H, 4W), from change (B, 1, H, W) and `decode`'s."""
        with torch.autocast(spikes.device.type, enabled=False):  # rates differ by less than bfloat16 tells apart
            others = light_change(tapered_rate(spikes, self.tapers), photo.long_rate, photo.threshold)
            x = GAIN * torch.cat((others, change, photo.noise), dim=1)
        x = F.relu(features + self.spike_in(_channels_last(x)), inplace=True)
        return F.pixel_shuffle(self.last(self.refine(x)), UPSCALE)

    def refine(self, x: Tensor) -> Tensor:
        """Return features of the shape of x, (B, num_feat, H, W), that have seen their surroundings."""
        height, width = x.shape[-2:]
        x = self.first(x)
        whole = F.pad(x, (0, 1, 0, 1), mode='replicate')  # of an odd side the last is halved too; of an even one, cut
        wide = self.blocks(F.relu(self.down(whole), inplace=True))
        return self.second(x + F.pixel_shuffle(self.up(wide), 2)[..., :height, :width])


def _taper(num_spike: int, shift: int, sigma: float) -> Tensor:
    """Weights (num_spike,) of the readouts around one that lies `shift` after the middle; sum 1."""
    half = num_spike // 2
    if abs(shift) > half:
        raise ValueError(f'LDNLight: num_spike {num_spike} does not reach {shift} readouts from its middle')
    weights = gaussian_taper(2 * (half + abs(shift)) + 1, sigma)[abs(shift) - shift :][:num_spike]
    return weights / weights.sum()


def _channels_last(x: Tensor) -> Tensor:
    """Lay x out pixel by pixel, which convolutions are fastest in."""
    return x.contiguous(memory_format=torch.channels_last)
