"""Attention between the channels of two maps (Zamir et al., Restormer, CVPR 2022), the first asking the second."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.egaca import ChannelNorm
from spikereveal_plugin.archs.swin import Perceptron

HEADS = 4


class Normalised(nn.Module):
    """A channel norm under the name that the authors' checkpoints give it."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.body = ChannelNorm(num_feat, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y


class ChannelAttention(nn.Module):
    """Queries of (B, C1, H, W), keys and values of (B, C2, H, W)."""

    q: nn.Module
    k: nn.Module
    v: nn.Module
    q_dwconv: nn.Module
    k_dwconv: nn.Module
    v_dwconv: nn.Module

    def __init__(self, num_feat: int, num_other: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(HEADS, 1, 1))
        for name, width in (('q', num_feat), ('k', num_other), ('v', num_other)):
            self.add_module(name, nn.Conv2d(width, width, 1, bias=False))
            self.add_module(f'{name}_dwconv', nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False))
        self.project_out = nn.Conv2d(num_feat, num_feat, 1, bias=False)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        q = self.q_dwconv(self.q(x)).flatten(2).unflatten(1, (HEADS, -1))
        k = self.k_dwconv(self.k(other)).flatten(2).unflatten(1, (HEADS, -1))
        v = self.v_dwconv(self.v(other)).flatten(2).unflatten(1, (HEADS, -1))
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * self.temperature
        joined: Tensor = self.project_out((scores.softmax(dim=-1) @ v).flatten(1, 2).view_as(x))
        return joined


class ChannelCrossAttention(nn.Module):
    """A map (B, C1, H, W) that attends to another, (B, C2, H, W), and a perceptron, each added to it."""

    def __init__(self, num_feat: int, num_other: int) -> None:
        super().__init__()
        self.norm1_model1, self.norm1_model2 = Normalised(num_feat), Normalised(num_other)
        self.attn = ChannelAttention(num_feat, num_other)
        self.norm1_model1_1 = Normalised(num_feat)
        self.ffn = Perceptron(num_feat, 4 * num_feat)

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        x = x + self.attn(self.norm1_model1(x), self.norm1_model2(other))
        return x + self.ffn(self.norm1_model1_1(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
