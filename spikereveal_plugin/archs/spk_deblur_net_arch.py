"""SpkDeblurNet: a sharp photo from a blurry one and the spikes around an instant (Chen et al., NeurIPS 2023)."""

from typing import Final, NamedTuple

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.channel_attention import ChannelCrossAttention
from spikereveal_plugin.archs.swin import SwinGroup, init_linear

WINDOW: Final = 8
MULTIPLE: Final = 4 * WINDOW  # of the maps after the stems
HEADS: Final = 6
GRAY: Final = (0.2989, 0.587, 0.114)
LIKE: Final = 0.1  # how far gray and TFI may be apart where they agree


class Restored(NamedTuple):
    """What the network gives, none of it clipped."""

    sharp: Tensor
    """(B, 3, H, W)"""
    spike_gray: Tensor
    """(B, 1, H, W), of the spikes' branch alone"""
    coarse: Tensor
    """(B, 3, H, W), before the branches meet"""


class SwinLayer(nn.Module):
    """An RSTB of one scale."""

    def __init__(self, num_feat: int, num_block: int) -> None:
        super().__init__()
        self.residual_group = SwinGroup(num_feat, HEADS, WINDOW, num_block)
        self.last_layer = nn.Conv2d(num_feat, num_feat, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.last_layer(self.residual_group(x))


class Agreement(nn.Module):
    """CAMMM: where the photo's gray and the spikes' TFI show the same, (B, 1, H, W) in [0, 1].

    Args:
        num_feat: width.
        mask_by_batch: measure differences by the smallest and the largest of the whole batch, as the authors do, so
            that a result depends on its neighbours; false measures each sample by its own.
    """

    def __init__(self, num_feat: int = 32, *, mask_by_batch: bool) -> None:
        super().__init__()
        self.mask_by_batch = mask_by_batch
        self.conv1 = nn.Conv2d(2, num_feat, 3, padding=1)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(num_feat + 1, num_feat + 1, 1))
        self.conv2 = nn.Conv2d(num_feat + 1, 1, 1)

    def forward(self, gray: Tensor, tfi: Tensor) -> Tensor:
        tfi = F.interpolate(tfi, size=gray.shape[-2:], mode='bilinear', align_corners=False)
        features = torch.cat((self.conv1(torch.cat((gray, tfi), dim=1)), self._likeness(gray, tfi)), dim=1)
        mask: Tensor = self.conv2(features * self.sca(features))
        return mask.sigmoid()

    @torch.no_grad()
    def _likeness(self, gray: Tensor, tfi: Tensor) -> Tensor:
        """1 where the two are alike, and, as in the authors' code, where they differ most; 0 elsewhere."""
        apart = (gray - tfi).abs()
        over = (0, 1, 2, 3) if self.mask_by_batch else (1, 2, 3)
        least, most = apart.amin(over, keepdim=True), apart.amax(over, keepdim=True)
        scaled = (apart - least) / torch.where(most > least, most - least, 1)
        return ((scaled <= LIKE) | (scaled == 1)).to(gray)


@ARCH_REGISTRY.register()
class SpkDeblurNet(nn.Module):
    """Two branches of Swin transformers that exchange what they know; layers are named as in the authors' checkpoints.

    Args:
        num_spike: readouts around the instant that it sees.
        num_feat: width of the photo's branch; the spikes' has a third of it.
        num_block: Swin blocks of a layer.
        spike_scale: photo pixels to a spike pixel: 2, as published, or 4, by a stem of stride 1.
        legacy_spike_loop: leave out the first two layers of the spikes' branch, as the authors' code does by mistake
            and their weights were trained.
        mask_by_batch: see `Agreement`; the authors' behaviour.
    """

    def __init__(
        self,
        *,
        num_spike: int = 21,
        num_feat: int = 180,
        num_block: int = 6,
        spike_scale: int = 4,
        legacy_spike_loop: bool = False,
        mask_by_batch: bool = False,
    ) -> None:
        super().__init__()
        if spike_scale not in (2, 4) or num_feat % (6 * HEADS):
            raise ValueError(
                f'SpkDeblurNet: expected spike_scale 2 or 4 and a width that {6 * HEADS} divides, got {spike_scale} '
                f'and {num_feat}'
            )
        width = num_feat // 3
        self.num_spike, self.spike_scale, self.legacy_spike_loop = num_spike, spike_scale, legacy_spike_loop
        self.D_conv_down = _stem(3, num_feat)
        self.D_conv_reduce = nn.Sequential(nn.Conv2d(num_feat + width, num_feat, 3, padding=1))  # not used
        self.D_layers = nn.ModuleList(SwinLayer(num_feat, num_block) for _ in range(6))
        self.D_mid_shuffle_up, self.D_last_shuffle_up = _head(num_feat, 3), _head(num_feat, 3)
        stride = 4 // spike_scale
        self.S_conv_down = nn.Sequential(nn.Conv2d(num_spike, width, 3, stride=stride, padding=1))
        self.S_conv_reduce = nn.Sequential(nn.Conv2d(2 * width, width, 3, padding=1))  # not used
        self.S_layers = nn.ModuleList(SwinLayer(width, num_block) for _ in range(4))
        self.S_shuffle_up = _head(width, 1)
        self.S_conv_after_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_masked_blur = _stem(1, width)
        self.cross_attention_1 = ChannelCrossAttention(width, width)
        self.cross_attention_2 = ChannelCrossAttention(num_feat, width)
        self.cammm = Agreement(mask_by_batch=mask_by_batch)
        init_linear(self)

    def forward(self, blur: Tensor, window: Tensor, tfi: Tensor) -> Restored:
        """Return the sharp photo at the window's centre, and what training compares beside it.

        Args:
            blur: (B, 3, H, W), RGB in [0, 1].
            window: (B, num_spike, H / spike_scale, W / spike_scale), 0 and 1.
            tfi: (B, 1, ...), as large: texture from interval at the instant, times the threshold.

        Raises:
            ValueError: the sizes do not belong together, or the photo is too small to be padded.
        """
        expected = (len(blur), self.num_spike, *(side // self.spike_scale for side in blur.shape[2:]))
        if blur.shape[1] != 3 or window.shape != expected or tfi.shape != (len(blur), 1, *expected[2:]):
            raise ValueError(
                f'SpkDeblurNet: expected a window {expected} and its TFI for a photo {tuple(blur.shape)}, got '
                f'{tuple(window.shape)} and {tuple(tfi.shape)}'
            )
        height, width = blur.shape[-2:]
        photo = _padded(self.D_conv_down(blur))
        x = photo
        for layer in self.D_layers[:3]:
            x = layer(x)
        middle = photo + x
        coarse = self.D_mid_shuffle_up(middle)[..., :height, :width]
        gray = sum(weight * coarse[:, [channel]] for channel, weight in enumerate(GRAY))
        masked = self.conv_masked_blur(self.cammm(gray, tfi) * gray)
        spikes = self._spike_features(_padded(self.S_conv_down(window)))
        joined = self.cross_attention_1(spikes, _padded(masked))
        deep = self.S_layers[3](joined)
        spike_gray = self.S_shuffle_up(joined + self.S_conv_after_body(deep))[..., :height, :width]
        w = self.cross_attention_2(middle, deep)
        y = w
        for layer in self.D_layers[3:]:
            y = layer(y)
        return Restored(self.D_last_shuffle_up(w + y)[..., :height, :width], spike_gray, coarse)

    def _spike_features(self, x: Tensor) -> Tensor:
        y = x
        for layer in self.S_layers[2:3] if self.legacy_spike_loop else self.S_layers[:3]:
            y = layer(y)
        return x + y


def _stem(num_in_ch: int, num_feat: int) -> nn.Sequential:
    first = nn.Conv2d(num_in_ch, num_feat, 3, stride=2, padding=1)
    return nn.Sequential(first, nn.GELU(), nn.Conv2d(num_feat, num_feat, 3, stride=2, padding=1))


def _head(num_feat: int, num_out_ch: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(num_feat, 16 * num_out_ch, 3, padding=1), nn.PixelShuffle(4))


def _padded(x: Tensor) -> Tensor:
    """Grow a map to multiples of four windows, reflected at the right and at the bottom."""
    rows, columns = (-side % MULTIPLE for side in x.shape[-2:])
    if rows >= x.shape[-2] or columns >= x.shape[-1]:
        raise ValueError(
            f'SpkDeblurNet: a map of {x.shape[-2]} x {x.shape[-1]} is too small to be padded by {rows} x {columns}; '
            'expected photos of more than 64 pixels a side'
        )
    return F.pad(x, (0, columns, 0, rows), mode='reflect')
