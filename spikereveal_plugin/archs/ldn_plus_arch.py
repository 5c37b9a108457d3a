"""LDNPlus, a student as light as LDN that corrects what physics restores (SDM, SpikeReveal Eq. 8)."""

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.descriptor import Descriptor
from spikereveal_plugin.archs.naf import NAFBlock
from spikereveal_plugin.physics.taper import floored_gain, gaussian_taper, tapered_rate

UPSCALE = 4
SIGMAS = (2.5, 4.0, 7.0, 12.0)  # readouts: of the tapered windows that the short firing rates are taken from
SHARES_AT_FIRST = (-2.0, 0.5, 0.5, 0.0)  # their logits: the shortest window is the noisiest
IMAGE_CHANNELS = 3 * UPSCALE**2  # a 4 x 4 block of the photo beside one pixel of the sensor
GAIN_CHANNELS = UPSCALE**2


@ARCH_REGISTRY.register()
class LDNPlus(nn.Module):
    """A light deblurring network on top of SDM. Images are RGB; all its work is done at the sensor's size.

    The frame is `blur * (gain + change) + correction`. The gain is SDM's ratio of firing rates, short over long; which
    of four tapered short windows it is taken from, the network decides for each sensor pixel: long ones have little
    noise, short ones follow motion. It starts as that physics, with no change of the gain and no correction.

    Args:
        num_spike: readouts in the window around an instant, odd; 41 fits the 20 readouts that GOPRO has on both sides
            of its exposure.
        num_feat: width.
        num_block_photo: blocks that work on photo and long rate, once for all instants.
        num_block: blocks that work on an instant.
    """

    def __init__(
        self, *, num_spike: int = 41, num_feat: int = 48, num_block_photo: int = 2, num_block: int = 8
    ) -> None:
        super().__init__()
        if num_spike < 1 or num_spike % 2 == 0:
            raise ValueError(f'LDNPlus: num_spike must be odd, got {num_spike}')
        self.num_spike = num_spike
        self.upscale = UPSCALE
        self.descriptor = Descriptor(inputs=('blur', 'window', 'long_rate'), num_spike=num_spike, upscale=UPSCALE)
        self.tapers: Tensor
        tapers = torch.stack([gaussian_taper(num_spike, sigma) for sigma in SIGMAS])
        self.register_buffer('tapers', tapers, persistent=False)
        self.photo_in = nn.Conv2d(IMAGE_CHANNELS + 1, num_feat, 3, padding=1)
        self.photo_blocks = nn.Sequential(*(NAFBlock(num_feat) for _ in range(num_block_photo)))
        self.spike_in = nn.Conv2d(num_spike + 2 * len(SIGMAS), num_feat, 3, padding=1)
        self.blocks = nn.Sequential(*(NAFBlock(num_feat) for _ in range(num_block)))
        self.last = nn.Conv2d(num_feat, IMAGE_CHANNELS + GAIN_CHANNELS + len(SIGMAS), 3, padding=1)
        self._start_from_physics()

    def _start_from_physics(self) -> None:
        """Return SDM's frame at first, its gain a mean of the windows'."""
        nn.init.zeros_(self.last.weight)
        unchanged = torch.zeros(IMAGE_CHANNELS + GAIN_CHANNELS)
        self.last.bias = nn.Parameter(torch.cat((unchanged, torch.tensor(SHARES_AT_FIRST))))

    def forward(self, blur: Tensor, spikes: Tensor, long_rate: Tensor) -> Tensor:
        """Return the sharp frame of one instant, or of each of N instants, of every image; not clipped.

        N instants share one pass of the photo's branch, and go one after another.

        Args:
            blur: (B, 3, 4H, 4W), RGB in [0, 1].
            spikes: (B, num_spike, H, W), 0. and 1., or summed to another density (`physics/density.py`); or
                (B, N, num_spike, H, W).
            long_rate: (B, 1, H, W), firing rate over the exposure, at the density of `spikes`.

        Returns:
            (B, 3, 4H, 4W), or (B, N, 3, 4H, 4W).

        Raises:
            ValueError: the shapes are not these.
        """
        is_sequence = spikes.dim() == 5
        self._check(blur, spikes[:, 0] if is_sequence else spikes, long_rate)
        features = self.encode(blur, long_rate)
        if is_sequence:
            return torch.stack([self.decode(blur, features, long_rate, window) for window in spikes.unbind(1)], dim=1)
        return self.decode(blur, features, long_rate, spikes)

    def encode(self, blur: Tensor, long_rate: Tensor) -> Tensor:
        """Return features (B, num_feat, H, W) of photo and long rate; they serve every instant."""
        return self.photo_blocks(self.photo_features(blur, long_rate))

    def photo_features(self, blur: Tensor, long_rate: Tensor) -> Tensor:
        """Return `photo_blocks`' input, (B, num_feat, H, W)."""
        x = torch.cat((F.pixel_unshuffle(blur, UPSCALE), long_rate), dim=1)
        return self.photo_in(_channels_last(x))

    def decode(self, blur: Tensor, features: Tensor, long_rate: Tensor, spikes: Tensor) -> Tensor:
        """Return (B, 3, 4H, 4W) from the image, `encode`'s features, the long rate and spikes (B, num_spike, H, W)."""
        log_gains = self.log_gains(spikes, long_rate)
        x = self.last(self.blocks(self.join(features, spikes, log_gains)))
        return self.compose(blur, log_gains, x)

    def log_gains(self, spikes: Tensor, long_rate: Tensor) -> Tensor:
        """Return the logarithm of short over long rate for each window, (B, 4, H, W): 0 where there is no light."""
        return floored_gain(self.rates(spikes), long_rate).log()

    def rates(self, spikes: Tensor) -> Tensor:
        """Return the short firing rates (B, 4, H, W), shortest window first."""
        return tapered_rate(spikes, self.tapers)

    def join(self, features: Tensor, spikes: Tensor, log_gains: Tensor) -> Tensor:
        """Return (B, num_feat, H, W): the photo's features plus those of one instant's spikes."""
        x = torch.cat((spikes, self.rates(spikes), log_gains), dim=1)
        return features + self.spike_in(_channels_last(x))

    @staticmethod
    def compose(blur: Tensor, log_gains: Tensor, x: Tensor) -> Tensor:
        """Return photo times gain plus correction, from the last layer's x (B, 48 + 16 + 4, H, W)."""
        correction, change, choice = x.split((IMAGE_CHANNELS, GAIN_CHANNELS, len(SIGMAS)), dim=1)
        gain = (choice.softmax(1) * log_gains.exp()).sum(1, keepdim=True)
        gain = F.interpolate(gain, scale_factor=UPSCALE, mode='bilinear', align_corners=False)
        gain = gain + F.pixel_shuffle(change, UPSCALE)
        return torch.addcmul(F.pixel_shuffle(correction, UPSCALE), blur, gain)

    def _check(self, blur: Tensor, spikes: Tensor, long_rate: Tensor) -> None:
        if spikes.dim() != 4 or spikes.shape[1] != self.num_spike:
            raise ValueError(f'LDNPlus: expected spikes (B, {self.num_spike}, H, W), got {tuple(spikes.shape)}')
        batch, _, height, width = spikes.shape
        for name, tensor, expected in (
            ('a blurry image', blur, (batch, 3, UPSCALE * height, UPSCALE * width)),
            ('a long rate', long_rate, (batch, 1, height, width)),
        ):
            if tensor.shape != expected:
                raise ValueError(
                    f'LDNPlus: spikes {tuple(spikes.shape)} need {name} {expected}, got {tuple(tensor.shape)}'
                )


def _channels_last(x: Tensor) -> Tensor:
    """Lay x out pixel by pixel, which norm and 1x1 convolutions are fastest in, in training too."""
    return x.contiguous(memory_format=torch.channels_last)
