"""EGACA, REFID's attention of a photo's features guided by events (Sun et al. 2023)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-6
REDUCTION = 2


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, num_feat: int, eps: float = EPSILON) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(num_feat)), nn.Parameter(torch.zeros(num_feat))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, dim=1, keepdim=True, correction=0)
        normal = (x - mean) / (variance + self.eps).sqrt()
        return normal * self.weight[:, None, None] + self.bias[:, None, None]


def _channel_weights(num_feat: int) -> nn.Sequential:
    inner = num_feat // REDUCTION
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Conv2d(num_feat, inner, 1), nn.ReLU(), nn.Conv2d(inner, num_feat, 1), nn.Sigmoid()
    )


class EventGuidedAttention(nn.Module):
    """Joins features of events and of a photo, (B, C, H, W) each, to (B, 2 C, H, W).

    The weights of the channels come from the events alone; `se_2` exists in the authors' checkpoints and is not used.
    """

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.zeros(1, num_feat, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, 2 * num_feat, 1, 1))
        self.conv1, self.conv1_e = nn.Conv2d(num_feat, num_feat, 1), nn.Conv2d(num_feat, num_feat, 1)
        self.conv2, self.conv2_e = (nn.Conv2d(num_feat, num_feat, 3, padding=1, groups=num_feat) for _ in range(2))
        self.conv3 = nn.Conv2d(2 * num_feat, num_feat, 1)
        self.se_1, self.se_2 = _channel_weights(num_feat), _channel_weights(num_feat)
        self.conv4 = nn.Conv2d(num_feat, 2 * num_feat, 1)
        self.conv5 = nn.Conv2d(2 * num_feat, 2 * num_feat, 1)
        self.conv_y_side = nn.Conv2d(num_feat, 2 * num_feat, 1)
        self.norm1, self.norm1_e, self.norm2 = (ChannelNorm(num_feat) for _ in range(3))

    def forward(self, events: Tensor, photo: Tensor) -> Tensor:
        of_photo = F.gelu(self.conv2(self.conv1(self.norm1(photo))))
        of_events = F.gelu(self.conv2_e(self.conv1_e(self.norm1_e(events))))
        weights = self.se_1(of_events)
        joined = self.conv3(torch.cat((of_photo * weights, of_events * weights), dim=1))
        y = events + photo + self.beta * joined
        z = self.conv5(F.gelu(self.conv4(self.norm2(y))))
        side: Tensor = self.conv_y_side(y)
        return side + self.gamma * z
