"""The exposure trajectory of Motion-ETR: where each pixel was at every time of the exposure (Zhang et al. 2021)."""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE: Final = 0.2
STEPS: Final = 7  # of half an exposure


class ReplicateResidual(nn.Module):
    """Two 5 x 5 convolutions that repeat the border, added to the input."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        first, second = nn.Conv2d(num_feat, num_feat, 5), nn.Conv2d(num_feat, num_feat, 5)
        pad = nn.ReplicationPad2d(2)
        self.conv_block = nn.Sequential(pad, first, nn.ReLU(), nn.ReplicationPad2d(2), second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


def _stage(num_in_ch: int, num_out_ch: int, stride: int) -> nn.Sequential:
    pad = (2, 2, 2, 2) if stride == 1 else (1, 2, 1, 2)
    conv = nn.Conv2d(num_in_ch, num_out_ch, 5, stride=stride)
    residuals = nn.Sequential(*(ReplicateResidual(num_out_ch) for _ in range(3)))
    return nn.Sequential(nn.ReflectionPad2d(pad), conv, nn.ReLU(), residuals)


class Bottleneck(nn.Module):
    """Two convolutions of twice the width between them."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(num_feat, 2 * num_feat, 1), nn.Conv2d(2 * num_feat, num_feat, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv2(F.leaky_relu(self.conv1(x), SLOPE)), SLOPE)


class TrajectoryNetwork(nn.Module):
    """Reads off a photo where each pixel lies at the start and at the end of the exposure.

    Args:
        num_feat: width.
    """

    def __init__(self, num_feat: int = 16) -> None:
        super().__init__()
        self.conv_1 = _stage(12, num_feat, 1)
        self.conv_2, self.conv_3 = _stage(num_feat, 2 * num_feat, 2), _stage(2 * num_feat, 4 * num_feat, 2)
        self.bottleneck_1, self.bottleneck_2 = Bottleneck(4 * num_feat), Bottleneck(4 * num_feat)
        self.bottleneck_3 = Bottleneck(2 * num_feat)
        up = ((4, 2), (4, 1), (2, 2))
        self.uconv_1, self.uconv_2, self.uconv_3 = (
            nn.ConvTranspose2d(a * num_feat, b * num_feat, 4, stride=2, padding=1) for a, b in up
        )
        self.conv_out_0 = nn.Conv2d(2 * num_feat, 4, 5, padding=2)

    def forward(self, blur: Tensor) -> Tensor:
        """Return (B, 4, H, W): rows and columns of the start, then of the end, in pixels from the middle.

        Args:
            blur: (B, 3, H, W), RGB in [0, 1]; sides multiples of 8.
        """
        phases = F.pixel_unshuffle(blur, 2).unflatten(1, (3, 4)).transpose(1, 2).flatten(1, 2)  # colours innermost
        d1 = self.conv_1(phases)
        d2 = self.conv_2(d1)
        d3 = self.conv_3(d2)
        u = F.leaky_relu(self.uconv_1(self.bottleneck_1(d3)), SLOPE)
        u = F.leaky_relu(self.uconv_2(self.bottleneck_2(torch.cat((u, d2), dim=1))), SLOPE)
        u = F.relu(self.uconv_3(self.bottleneck_3(torch.cat((u, d1), dim=1))))
        ends: Tensor = self.conv_out_0(u)
        return ends


def offset_at(ends: Tensor, time: float) -> Tensor:
    """Return (B, 2, H, W), row before column: the parabola through start, middle (0) and end.

    Args:
        ends: (B, 4, H, W), of `TrajectoryNetwork`.
        time: -1 the start of the exposure, 0 its middle, 1 its end.
    """
    start, end = ends.chunk(2, dim=1)
    near, far = (end, start) if time > 0 else (start, end)
    part = abs(time)
    return ((part + part**2) * near - (part - part**2) * far) / 2


def warp(image: Tensor, offset: Tensor) -> Tensor:
    """Sample an image at each pixel moved by an offset, bilinearly; 0 outside.

    Args:
        image: (B, C, H, W).
        offset: (B, 2, H, W), rows and columns in pixels.
    """
    height, width = image.shape[-2:]
    rows = torch.arange(height, device=image.device, dtype=image.dtype)[:, None] + offset[:, 0]
    columns = torch.arange(width, device=image.device, dtype=image.dtype) + offset[:, 1]
    grid = torch.stack((2 * columns / max(width - 1, 1) - 1, 2 * rows / max(height - 1, 1) - 1), dim=-1)
    return F.grid_sample(image, grid, mode='bilinear', padding_mode='zeros', align_corners=True)


def reblurred(sharp: Tensor, ends: Tensor) -> Tensor:
    """Return the mean of a sharp image moved to the 15 times of the exposure (Zhang et al. 2021)."""
    times = [step / STEPS for step in range(-STEPS, STEPS + 1)]
    return torch.stack([warp(sharp, offset_at(ends, time)) for time in times]).mean(0)
