"""IFNet of RIFE 3.9: four flow estimators from coarse to fine (Huang et al., ECCV 2022), for a frame at any time.

Modules carry the names of the released parameters; what was only needed to train them is left out.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS: Final = (192, 128, 96, 64)
SCALES: Final = (8.0, 4.0, 2.0, 1.0)
FAST_MOTION: Final = 32.0
STATE: Final = 8  # two warped images, time, blending mask


def _conv(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, stride, 1), nn.PReLU(out_channels))


class FlowBlock(nn.Module):
    """Estimate a change of flow and mask at one scale.

    Args:
        in_channels: of what it sees.
        width: its features.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv0 = nn.Sequential(_conv(in_channels, width // 2, 2), _conv(width // 2, width, 2))
        self.convblock = nn.Sequential(*(_conv(width, width) for _ in range(8)))
        self.lastconv = nn.ConvTranspose2d(width, 5, 4, 2, 1)

    def forward(self, state: Tensor, flow: Tensor | None, scale: float) -> tuple[Tensor, Tensor]:
        """Return the change of flow (B, 4, H, W), in pixels, and of the mask (B, 1, H, W).

        Args:
            state: (B, C, H, W).
            flow: (B, 4, H, W) so far, in pixels, or None.
            scale: how many times smaller the block works; H and W are multiples of four times it.
        """
        seen = _resize(state, 1 / scale)
        if flow is not None:
            seen = torch.cat((seen, _resize(flow, 1 / scale) / scale), dim=1)
        features = self.conv0(seen)
        features = features + self.convblock(features)
        change = _resize(self.lastconv(features), 2 * scale)
        return change[:, :4] * (2 * scale), change[:, 4:]


class RifeNetwork(nn.Module):
    """Blend two frames, each warped along its flow to the time between them."""

    def __init__(self) -> None:
        super().__init__()
        self.block0, self.block1, self.block2, self.block3 = (
            FlowBlock(7 if level == 0 else STATE + 4, width) for level, width in enumerate(WIDTHS)
        )

    def forward(self, first: Tensor, second: Tensor, time: float) -> Tensor:
        """Return the frame at `time`.

        Args:
            first: (B, 3, H, W) RGB in [0, 1]; H and W multiples of 64.
            second: the same, at time 1.
            time: in (0, 1).

        Returns:
            (B, 3, H, W), in [0, 1] but for rounding.
        """
        flow, mask = self._flow(first, second, time, SCALES)
        blend = torch.sigmoid(mask)
        return blend * warp(first, flow[:, :2]) + (1 - blend) * warp(second, flow[:, 2:])

    def _flow(self, first: Tensor, second: Tensor, time: float, scales: tuple[float, ...]) -> tuple[Tensor, Tensor]:
        """Refine flow and mask scale by scale; motion too fast for the coarsest starts again at twice the scales."""
        now = torch.full_like(first[:, :1], time)
        flow, mask = self.block0(torch.cat((first, second, now), dim=1), None, scales[0])
        for level, block in enumerate((self.block1, self.block2, self.block3), start=1):
            warped = (warp(first, flow[:, :2]), warp(second, flow[:, 2:]))
            change, mask_change = block(torch.cat((*warped, now, mask), dim=1), flow, scales[level])
            if level == 1 and scales == SCALES and _is_fast(change):
                return self._flow(first, second, time, tuple(2 * scale for scale in scales))
            flow, mask = flow + change, mask + mask_change
        return flow, mask


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Fetch each pixel from where its flow points.

    Args:
        image: (B, C, H, W).
        flow: (B, 2, H, W) in pixels, x before y.

    Returns:
        (B, C, H, W), bilinear; beyond the border, the border's values.
    """
    height, width = image.shape[-2:]
    rows = torch.linspace(-1, 1, height, device=image.device, dtype=image.dtype)
    columns = torch.linspace(-1, 1, width, device=image.device, dtype=image.dtype)
    x = columns + flow[:, 0] * (2 / (width - 1))
    y = rows[:, None] + flow[:, 1] * (2 / (height - 1))
    return F.grid_sample(image, torch.stack((x, y), dim=-1), 'bilinear', 'border', align_corners=True)


def _is_fast(change: Tensor) -> bool:
    return bool(change[:, :2].abs().max() > FAST_MOTION and change[:, 2:].abs().max() > FAST_MOTION)


def _resize(image: Tensor, factor: float) -> Tensor:
    return F.interpolate(image, scale_factor=factor, mode='bilinear', align_corners=False, recompute_scale_factor=False)
