"""The block of NAFNet (Chen et al. 2022), whose only non-linearity is a product of two halves of the channels."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCALE = 0.1  # of each block's two branches at first; NAFNet begins with 0, which a training of minutes pays for


def layer_norm_2d(x: Tensor, num_feat: int) -> Tensor:
    """Bring each pixel's channels, (B, num_feat, H, W), to mean 0 and variance 1.

    The 1x1 convolution that follows makes scale and shift of its own, so there are none here. The number of channels is
    an argument because ONNX wants it constant.
    """
    return F.layer_norm(x.permute(0, 2, 3, 1), (num_feat,)).permute(0, 3, 1, 2)


def simple_gate(x: Tensor) -> Tensor:
    """Return the product (B, C / 2, H, W) of the two halves of the channels."""
    first, second = x.chunk(2, dim=1)
    return first * second


class NAFBlock(nn.Module):
    """A 3x3 depthwise branch weighed by channel attention, then a pointwise one, each added to its input.

    `spread` and `settle` are its two parts: between them lies the mean over the image that attention needs, so that a
    large image can be brought through piece by piece.
    """

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.num_feat = num_feat
        self.expand1 = nn.Conv2d(num_feat, 2 * num_feat, 1)
        self.depthwise = nn.Conv2d(2 * num_feat, 2 * num_feat, 3, padding=1, groups=2 * num_feat)
        self.attention = nn.Conv2d(num_feat, num_feat, 1)
        self.reduce1 = nn.Conv2d(num_feat, num_feat, 1)
        self.expand2 = nn.Conv2d(num_feat, 2 * num_feat, 1)
        self.reduce2 = nn.Conv2d(num_feat, num_feat, 1)
        self.scale1 = nn.Parameter(torch.full((1, num_feat, 1, 1), SCALE))
        self.scale2 = nn.Parameter(torch.full((1, num_feat, 1, 1), SCALE))
        nn.init.zeros_(self.attention.weight)  # attention begins as a factor of 1
        if self.attention.bias is not None:
            nn.init.ones_(self.attention.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the shape of x, (B, num_feat, H, W)."""
        spread = self.spread(x)
        return self.settle(x, spread, spread.mean((2, 3), keepdim=True))

    def spread(self, x: Tensor) -> Tensor:
        """Return the gated features of a pixel and its eight neighbours, (B, num_feat, H, W)."""
        return simple_gate(self.depthwise(self.expand1(layer_norm_2d(x, self.num_feat))))

    def settle(self, x: Tensor, spread: Tensor, pooled: Tensor) -> Tensor:
        """Return the block's output, pixel by pixel, from `spread` and its mean (B, num_feat, 1, 1) over the image."""
        x = x + self.scale1 * self.reduce1(spread * self.attention(pooled))
        return x + self.scale2 * self.reduce2(simple_gate(self.expand2(layer_norm_2d(x, self.num_feat))))
