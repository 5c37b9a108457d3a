"""Channel and spatial attention (CBAM, Woo et al. 2018) as LDN uses them."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelAttention(nn.Module):
    """Weigh channels by a shared two-layer network of their average and their maximum over the whole image."""

    def __init__(self, num_feat: int, reduction: int) -> None:
        super().__init__()
        if num_feat < reduction:
            raise ValueError(f'channel attention: {num_feat} channels cannot be reduced {reduction} times')
        self.squeeze = nn.Conv2d(num_feat, num_feat // reduction, 1, bias=False)
        self.excite = nn.Conv2d(num_feat // reduction, num_feat, 1, bias=False)

    def forward(self, x: Tensor, pooled: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Return x (B, num_feat, H, W) times a weight in [0, 1] per channel.

        Args:
            x: the features.
            pooled: average and maximum to weigh by, where x is a tile of the image that `pool` saw.
        """
        average, maximum = self.pool(x) if pooled is None else pooled
        return x * torch.sigmoid(self._score(average) + self._score(maximum))

    @staticmethod
    def pool(x: Tensor) -> tuple[Tensor, Tensor]:
        """Return average and maximum of x (B, C, H, W) over the image, (B, C, 1, 1) each."""
        return F.adaptive_avg_pool2d(x, 1), F.adaptive_max_pool2d(x, 1)

    def _score(self, pooled: Tensor) -> Tensor:
        return self.excite(F.relu(self.squeeze(pooled), inplace=True))


class SpatialAttention(nn.Module):
    """Weigh pixels by a 7x7 convolution of their mean and maximum over the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return x (B, C, H, W) times a weight in [0, 1] per pixel."""
        pooled = torch.cat((x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)), dim=1)
        return x * torch.sigmoid(self.conv(pooled))
