"""A network of one's own: the photo, brightened or dimmed as the spikes around an instant say."""

import torch
import torch.nn.functional as F
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn

from spikereveal_plugin.archs.descriptor import Descriptor


@ARCH_REGISTRY.register()
class ToyNet(nn.Module):
    """Called as `network(blur, window)`; see `Descriptor` for other inputs.

    Args:
        num_spike: readouts of the window, odd.
    """

    def __init__(self, *, num_spike: int = 9) -> None:
        super().__init__()
        self.descriptor = Descriptor(inputs=('blur', 'window'), num_spike=num_spike, upscale=4)
        self.gain = nn.Conv2d(num_spike, 3, 3, padding=1)

    def forward(self, blur: Tensor, window: Tensor) -> Tensor:
        """Return frames as large as the photo, not clipped.

        Args:
            blur: (B, 3, H, W), RGB in [0, 1].
            window: (B, num_spike, h, w), 0 and 1, at one instant; or (B, N, num_spike, h, w) at N of them.
        """
        windows = window if window.dim() == 5 else window[:, None]
        gains = self.gain(windows.flatten(0, 1))
        gains = F.interpolate(gains, size=blur.shape[-2:], mode='bilinear', align_corners=False)
        frames = blur[:, None] * torch.exp(gains.unflatten(0, windows.shape[:2]))
        return frames if window.dim() == 5 else frames[:, 0]
