"""Images along flows, fetched backward or splatted forward, as XVFI does it (Sim, Oh and Kim, ICCV 2021)."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

VALID: Final = 0.999  # share of a fetched pixel that must come from inside
EPSILON: Final = 1e-5


def warped(image: Tensor, flow: Tensor) -> Tensor:
    """Fetch an image along a flow, bilinearly; 0 where a pixel comes from outside.

    Args:
        image: (B, C, H, W).
        flow: (B, 2, H, W), columns before rows, in pixels.
    """
    height, width = image.shape[-2:]
    columns = torch.arange(width, device=image.device, dtype=image.dtype) + flow[:, 0]
    rows = torch.arange(height, device=image.device, dtype=image.dtype)[:, None] + flow[:, 1]
    grid = torch.stack((2 * columns / max(width - 1, 1) - 1, 2 * rows / max(height - 1, 1) - 1), dim=-1)
    inside = F.grid_sample(torch.ones_like(image[:, :1]), grid, padding_mode='zeros', align_corners=True)
    return F.grid_sample(image, grid, padding_mode='zeros', align_corners=True) * (inside >= VALID)


def splat(value: Tensor, flow: Tensor, importance: Tensor) -> tuple[Tensor, Tensor]:
    """Move values along a flow to the four pixels around where each arrives, by a Gaussian of the distance.

    Args:
        value: (B, C, H, W).
        flow: (B, 2, H, W), columns before rows, in pixels.
        importance: (B, 1, H, W).

    Returns:
        Sums of weight times value (B, C, H, W), and of weights (B, 1, H, W).
    """
    batch, channels, height, width = value.shape
    total = value.new_zeros(batch, channels + 1, height * width)
    rows = torch.arange(height, device=value.device)[:, None]
    columns = torch.arange(width, device=value.device)
    base = flow.floor()
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        step = base + torch.tensor((right, down), device=flow.device, dtype=flow.dtype)[:, None, None]
        weight = (importance + EPSILON) * torch.exp(-((flow - step) ** 2).sum(1, keepdim=True))
        x, y = columns + step[:, 0].long(), rows + step[:, 1].long()
        weight = weight * ((x >= 0) & (x < width) & (y >= 0) & (y < height))[:, None]
        place = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).flatten(1)[:, None]
        moved = torch.cat((weight * value, weight), dim=1).flatten(2)
        total = total.scatter_add(2, place.expand_as(moved), moved)
    total = total.view(batch, channels + 1, height, width)
    return total[:, :channels], total[:, channels:]


def reversed_flows(flows: Tensor, importances: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return flows from a time to both frames, of flows between the frames (complementary flow reversal).

    Args:
        flows: (B, 4, h, w), to the second frame and back.
        importances: (B, 2, h, w), logits of both.
        time: (B, 1, 1, 1).
    """
    rest, (there, back) = 1 - time, flows.chunk(2, dim=1)
    one, two = importances.sigmoid().chunk(2, dim=1)
    (n0, d0), (n1, d1) = splat(there, time * there, one), splat(back, rest * back, two)
    weight = rest * d0 + time * d1
    weight = torch.where(weight == 0, 1, weight)
    to_first = (-rest * time * n0 + time**2 * n1) / weight
    to_second = (rest**2 * n0 - time * rest * n1) / weight
    return to_first, to_second
