"""TRMD: residuals of seven frames to the middle one, from a photo and sums of events or spikes (Chen & Yu 2024)."""

from typing import Final

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

BINS: Final = 6
FRAMES: Final = 7
DROPOUT: Final = 0.5


class CrossAttention(nn.Module):
    """Attention between the channels of photo and spikes, and gates that weigh the two.

    The event branch is projected by `blur_project` too: `event_project` is in the authors' checkpoints and not used.
    """

    blur_q: nn.Module
    blur_k: nn.Module
    blur_v: nn.Module
    blur_project: nn.Module
    event_q: nn.Module
    event_k: nn.Module
    event_v: nn.Module

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        for name in ('blur_q', 'blur_k', 'event_q', 'event_k'):
            layers = (nn.Conv2d(num_feat, num_feat, 1), nn.Dropout(DROPOUT), nn.BatchNorm2d(num_feat), nn.ReLU())
            self.add_module(name, nn.Sequential(*layers))
        for name in ('blur_v', 'event_v', 'blur_project', 'event_project'):
            self.add_module(name, nn.Conv2d(num_feat, num_feat, 1))
        self.gate_blur, self.gate_event = (nn.Conv2d(2 * num_feat, num_feat, 1) for _ in range(2))

    def forward(self, blur: Tensor, events: Tensor) -> Tensor:
        """Return (B, C, H, W) of two maps of that form."""
        of_blur = self._attend(self.blur_k(blur), self.event_q(events), self.blur_v(blur)) + blur
        of_events = self._attend(self.blur_q(blur), self.event_k(events), self.event_v(events)) + events
        both = torch.cat((of_blur, of_events), dim=1)
        gates = torch.cat((self.gate_blur(both), self.gate_event(both)), dim=1).softmax(dim=1)
        left, right = (gates * both).chunk(2, dim=1)
        return left + right

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        scores = len(query[0]) ** -0.5 * (query.flatten(2) @ key.flatten(2).transpose(1, 2))
        joined: Tensor = self.blur_project((scores.softmax(dim=-1) @ value.flatten(2)).view_as(value))
        return joined


def _down(num_in_ch: int, num_out_ch: int, stride: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(num_in_ch, num_out_ch, 5, stride=stride, padding=2), nn.ReLU())


def _up(num_in_ch: int, num_out_ch: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(num_in_ch, num_out_ch, 5, stride=2, padding=2), nn.ReLU())


def _residual(num_feat: int) -> nn.Sequential:
    first, second = (nn.Conv2d(num_feat, num_feat, 3, padding=1, bias=False) for _ in range(2))
    return nn.Sequential(first, nn.BatchNorm2d(num_feat), nn.ReLU(), second, nn.BatchNorm2d(num_feat))


@ARCH_REGISTRY.register()
class TRMD(nn.Module):
    """A U-Net of photo and accumulated spikes; layers are named as in the authors' checkpoints. Any size is taken.

    Args:
        num_in_ch: 3, or 1 for gray photos.
    """

    def __init__(self, *, num_in_ch: int = 3) -> None:
        super().__init__()
        self.num_in_ch = num_in_ch
        self.blur_en_conv1, self.blur_en_conv2 = _down(num_in_ch, 16, 1), _down(16, 32, 1)
        self.event_en_conv1, self.event_en_conv2 = _down(BINS, 16, 1), _down(16, 32, 1)
        self.sca = CrossAttention(32)
        self.en_conv1, self.en_conv2, self.en_conv3, self.en_conv4 = (_down(n, 2 * n) for n in (32, 64, 128, 256))
        self.res1, self.res2 = _residual(512), _residual(512)
        self.de_conv1, self.de_conv2, self.de_conv3, self.de_conv4 = (
            _up(*widths) for widths in ((512, 256), (512, 128), (256, 64), (128, 32))
        )
        self.pred = nn.Conv2d(32 + num_in_ch + BINS, (FRAMES - 1) * num_in_ch, 1)

    def forward(self, blur: Tensor, scer: Tensor) -> Tensor:
        """Return residuals of the frames 0, 1, 2, 4, 5, 6 to the middle one, (B, 6, num_in_ch, H, W), not clipped.

        Args:
            blur: (B, num_in_ch, H, W), RGB or gray in [0, 1].
            scer: (B, 6, H, W), see `physics/spike_inputs.py`.

        Raises:
            ValueError: an argument has another form.
        """
        if blur.dim() != 4 or blur.shape[1] != self.num_in_ch or scer.shape != (len(blur), BINS, *blur.shape[2:]):
            raise ValueError(
                f'TRMD: expected a photo (B, {self.num_in_ch}, H, W) and six sums of its size, got '
                f'{tuple(blur.shape)} and {tuple(scer.shape)}'
            )
        fused = self.sca(self.blur_en_conv2(self.blur_en_conv1(blur)), self.event_en_conv2(self.event_en_conv1(scer)))
        x1 = self.en_conv1(fused)
        x2 = self.en_conv2(x1)
        x3 = self.en_conv3(x2)
        x4 = self.en_conv4(x3)
        x5 = F.relu(x4 + self.res1(x4))
        y = F.relu(x5 + self.res2(x5))
        y = _enlarge(self.de_conv1, y, x3)
        y = _enlarge(self.de_conv2, torch.cat((y, x3), dim=1), x2)
        y = _enlarge(self.de_conv3, torch.cat((y, x2), dim=1), x1)
        y = _enlarge(self.de_conv4, torch.cat((y, x1), dim=1), blur)
        residuals: Tensor = self.pred(torch.cat((y, blur, scer), dim=1))
        return residuals.unflatten(1, (FRAMES - 1, self.num_in_ch))


def _enlarge(layer: nn.Sequential, x: Tensor, like: Tensor) -> Tensor:
    """Up-sample to the size of another map; the authors' fixed padding suits few sizes."""
    transposed: nn.ConvTranspose2d = layer[0]  # type: ignore[assignment]
    return F.relu(transposed(x, output_size=like.shape[-2:]))


def frames_of_residuals(blur: Tensor, residuals: Tensor) -> Tensor:
    """Return the seven frames, (B, 7, C, H, W), not clipped: the mean of all frames is the photo.

    Args:
        blur: (B, C, H, W).
        residuals: (B, 6, C, H, W), as `TRMD` gives them.
    """
    middle = blur - residuals.sum(1) / FRAMES
    frames = middle[:, None] + residuals
    return torch.cat((frames[:, :3], middle[:, None], frames[:, 3:]), dim=1)
