"""LDN cut where one photo's work ends and one instant's begins, with no image-sized tensor made twice."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikereveal_plugin.archs.ldn_arch import LDN

STRIP_ROWS = 60  # sensor rows up-sampled at once: what is as large as the photo stays small
_HALO = 2  # sensor rows on each side that the two transposed 5x5 convolutions reach


class LdnEncode(nn.Module):
    """The part that every instant of one photo shares."""

    def __init__(self, network: LDN) -> None:
        super().__init__()
        self.network = network

    def forward(self, blur: Tensor, long_rate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return what the last layer makes of blur (1, 3, 4H, 4W), and its features (1, 2 num_feat, H, W)."""
        del long_rate  # LDN sees the window alone
        last = self.network.last
        return F.conv2d(blur, last.weight[:, :3], last.bias), self.network.encode_blur(blur)


class LdnDecode(nn.Module):
    """The part of one instant; equal to `LDN.decode` up to rounding.

    The last layer is linear, so its part that reads the photo comes ready from `LdnEncode`, and photo and features are
    not copied into one tensor. `strip_rows` bounds the largest tensors; None runs the image whole.
    """

    def __init__(self, network: LDN, strip_rows: int | None = STRIP_ROWS) -> None:
        super().__init__()
        self.network, self.strip_rows = network, strip_rows

    def forward(self, base: Tensor, blur_features: Tensor, spikes: Tensor) -> Tensor:
        """Return the frame (1, 3, 4H, 4W), not clipped, from `LdnEncode`'s two and spikes (1, num_spike, H, W)."""
        x = self.network.join(blur_features, spikes)
        return self.refine(base, x, self.network.channel_attention.pool(x))

    def refine(self, base: Tensor, x: Tensor, pooled: tuple[Tensor, Tensor]) -> Tensor:
        """Return the frame from joined features (1, 4 num_feat, H, W) and their average and maximum."""
        network = self.network
        x = network.blocks(network.spatial_attention(network.channel_attention(x, pooled)))
        if self.strip_rows is None:
            return base + self._up(x)
        frame = torch.empty_like(base)
        for top in range(0, x.shape[2], self.strip_rows):
            bottom = min(top + self.strip_rows, x.shape[2])
            first = max(0, top - _HALO)
            strip = self._up(x[:, :, first : bottom + _HALO])
            rows = slice(4 * top, 4 * bottom)
            torch.add(base[:, :, rows], strip[:, :, 4 * (top - first) : 4 * (bottom - first)], out=frame[:, :, rows])
        return frame

    def _up(self, x: Tensor) -> Tensor:
        """Return what the last layer makes of features raised to the photo's size, (1, 3, 4H, 4W)."""
        network = self.network
        x = F.relu(network.up2(F.relu(network.up1(x), inplace=True)), inplace=True)
        return F.conv2d(x, network.last.weight[:, 3:])
