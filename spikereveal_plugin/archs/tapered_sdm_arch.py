"""SDM of a tapered window as a network without weights: a label-free teacher, and what LDNPlus corrects."""

from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.descriptor import Descriptor
from spikereveal_plugin.physics.taper import floored_gain, gaussian_taper, tapered_rate

UPSCALE = 4


@ARCH_REGISTRY.register()
class TaperedSDM(nn.Module):
    """`blur * gain`, the gain being a tapered short rate over the long one (SpikeReveal Eq. 8), raised bilinearly.

    Args:
        num_spike: readouts of the window, odd.
        sigma: of the Gaussian that weighs them, in readouts: larger is less noise, smaller follows motion.
    """

    def __init__(self, *, num_spike: int = 41, sigma: float = 4.0) -> None:
        super().__init__()
        self.num_spike = num_spike
        self.upscale = UPSCALE
        self.descriptor = Descriptor(inputs=('blur', 'window', 'long_rate'), num_spike=num_spike, upscale=UPSCALE)
        self.weights: Tensor
        self.register_buffer('weights', gaussian_taper(num_spike, sigma), persistent=False)

    def forward(self, blur: Tensor, spikes: Tensor, long_rate: Tensor) -> Tensor:
        """Return (B, 3, 4H, 4W), or (B, N, 3, 4H, 4W), not clipped.

        Args:
            blur: (B, 3, 4H, 4W), RGB in [0, 1].
            spikes: (B, num_spike, H, W), or (B, N, num_spike, H, W) for N instants.
            long_rate: (B, 1, H, W), firing rate over the exposure, at the density of `spikes`.

        Raises:
            ValueError: the shapes are not these.
        """
        batch, count = spikes.shape[0], spikes.shape[1] if spikes.dim() == 5 else 1
        height, width = (self.upscale * side for side in spikes.shape[-2:])
        if spikes.dim() not in (4, 5) or spikes.shape[-3] != self.num_spike or blur.shape[-2:] != (height, width):
            raise ValueError(
                f'TaperedSDM: expected spikes (B, {self.num_spike}, H, W) and a blurry image (B, 3, 4H, 4W), got '
                f'{tuple(spikes.shape)} and {tuple(blur.shape)}'
            )
        rates = tapered_rate(spikes.reshape(batch * count, self.num_spike, *spikes.shape[-2:]), self.weights)
        gains = floored_gain(rates.reshape(batch, count, *spikes.shape[-2:]), long_rate)
        gains = F.interpolate(gains, scale_factor=self.upscale, mode='bilinear', align_corners=False)
        frames = blur[:, None] * gains[:, :, None]
        return frames if spikes.dim() == 5 else frames[:, 0]
