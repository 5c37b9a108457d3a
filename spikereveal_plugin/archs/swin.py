"""Swin blocks (Liu et al., ICCV 2021) on maps of any size: attention in windows that shift, masks made as needed."""

from functools import lru_cache
from itertools import pairwise, product

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MASKED = -100.0  # added to the attention of pixels that are no neighbours


class WindowAttention(nn.Module):
    """Attention of the pixels of a window, with a bias for each relative position.

    Args:
        num_feat: width.
        num_head: heads.
        window_size: pixels along a side.
    """

    def __init__(self, num_feat: int, num_head: int, window_size: int) -> None:
        super().__init__()
        self.num_head, self.window_size = num_head, window_size
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window_size - 1) ** 2, num_head))
        self.qkv, self.proj = nn.Linear(num_feat, 3 * num_feat), nn.Linear(num_feat, num_feat)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """Return (N, P, C) of N windows of P pixels; `mask` (M, P, P) is of M windows that repeat."""
        number, pixels, width = windows.shape
        q, k, v = self.qkv(windows).view(number, pixels, 3, self.num_head, -1).permute(2, 0, 3, 1, 4)
        attention = (q * (width // self.num_head) ** -0.5) @ k.transpose(-2, -1) + self._bias()
        if mask is not None:
            attention = (attention.unflatten(0, (-1, len(mask))) + mask[:, None]).flatten(0, 1)
        joined: Tensor = self.proj((attention.softmax(dim=-1) @ v).transpose(1, 2).flatten(2))
        return joined

    def _bias(self) -> Tensor:
        index = relative_positions(self.window_size).to(self.relative_position_bias_table.device)
        pixels = self.window_size**2
        return self.relative_position_bias_table[index.flatten()].view(pixels, pixels, -1).permute(2, 0, 1)


@lru_cache
def relative_positions(window_size: int) -> Tensor:
    """(P, P) rows of the table of biases for each pair (query, key) of a window's pixels."""
    rows, columns = torch.meshgrid(torch.arange(window_size), torch.arange(window_size), indexing='ij')
    rows, columns = rows.flatten(), columns.flatten()
    down, right = rows[:, None] - rows, columns[:, None] - columns
    return (down + window_size - 1) * (2 * window_size - 1) + right + window_size - 1


@lru_cache(maxsize=64)
def shift_mask(height: int, width: int, window_size: int) -> Tensor:
    """(M, P, P): 0 for pixels of a shifted window that are neighbours in the map, `MASKED` for others."""
    shift, region = window_size // 2, torch.zeros(1, height, width, 1)
    borders = [[0, side - window_size, side - shift, side] for side in (height, width)]
    spans = [list(pairwise(border)) for border in borders]
    for number, ((top, bottom), (left, right)) in enumerate(product(*spans)):
        region[:, top:bottom, left:right] = number
    windows = cut(region, window_size).squeeze(-1)
    return (windows[:, None] != windows[:, :, None]).float() * MASKED


def cut(x: Tensor, size: int) -> Tensor:
    """(B, H, W, C) to (B n, size * size, C): windows in rows, pixels in rows."""
    batch, height, width, channels = x.shape
    x = x.view(batch, height // size, size, width // size, size, channels)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, size * size, channels)


def join(windows: Tensor, size: int, height: int, width: int) -> Tensor:
    """(B, H, W, C) of `cut`'s windows."""
    x = windows.view(-1, height // size, width // size, size, size, windows.shape[-1])
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, windows.shape[-1])


class Perceptron(nn.Module):
    """Two linear layers with a GELU between."""

    def __init__(self, num_feat: int, num_hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(num_feat, num_hidden), nn.Linear(num_hidden, num_feat)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return y


class SwinBlock(nn.Module):
    """Attention in windows and a perceptron, each added to its input.

    Args:
        num_feat: width.
        num_head: heads.
        window_size: pixels along a window's side.
        is_shifted: whether windows lie half a window further down and right.
    """

    def __init__(self, num_feat: int, num_head: int, window_size: int, *, is_shifted: bool) -> None:
        super().__init__()
        self.window_size, self.is_shifted = window_size, is_shifted
        self.norm1, self.norm2 = nn.LayerNorm(num_feat), nn.LayerNorm(num_feat)
        self.attn = WindowAttention(num_feat, num_head, window_size)
        self.mlp = Perceptron(num_feat, 2 * num_feat)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, H, W, C); both sides are multiples of the window's."""
        height, width = x.shape[1:3]
        shift, y = (self.window_size // 2 if self.is_shifted else 0), self.norm1(x)
        mask = shift_mask(height, width, self.window_size).to(y) if shift else None
        y = y.roll((-shift, -shift), dims=(1, 2)) if shift else y
        y = join(self.attn(cut(y, self.window_size), mask), self.window_size, height, width)
        x = x + (y.roll((shift, shift), dims=(1, 2)) if shift else y)
        return x + self.mlp(self.norm2(x))


class SwinGroup(nn.Module):
    """Swin blocks one after another, every second one shifted."""

    def __init__(self, num_feat: int, num_head: int, window_size: int, num_block: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(SwinBlock(num_feat, num_head, window_size, is_shifted=number % 2 == 1) for number in range(num_block))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W)."""
        y: Tensor = self.blocks(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return y


def init_linear(network: nn.Module) -> None:
    """Give linear layers the values they begin with in Swin: normal of 0.02, cut at two standard deviations, bias 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
