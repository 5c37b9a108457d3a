"""Motion-ETR: a sharp image and the way of each pixel, from one photo (Zhang et al., TPAMI 2021)."""

from typing import Final

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torchvision.ops import deform_conv2d

from spikereveal_plugin.archs.exposure_trajectory import STEPS, TrajectoryNetwork, offset_at, warp

MULTIPLE: Final = 8
REACH: Final = 0.08  # what offsets are multiplied by where kernels follow them
TAPS: Final = tuple(step / STEPS for step in range(-4, 5))
LEGACY_TAPS: Final = tuple(step / STEPS for step in (-3, -4, -5, -6, 0, 1, 2, 3, 4))


class Residual(nn.Sequential):
    """Two convolutions, added to the input."""

    def __init__(self, num_feat: int) -> None:
        first, second = (nn.Conv2d(num_feat, num_feat, 3, padding=1) for _ in range(2))
        super().__init__(first, nn.ReLU(), second)

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Encoder(nn.Module):
    """Features (B, 128, H / 4, W / 4) of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Conv2d(3, 32, 3, padding=1)
        self.layer2, self.layer3 = Residual(32), Residual(32)
        self.layer5 = nn.Conv2d(32, 64, 3, stride=2, padding=1)
        self.layer6, self.layer7 = Residual(64), Residual(64)
        self.layer9 = nn.Conv2d(64, 128, 3, stride=2, padding=1)
        self.layer10, self.layer11 = Residual(128), Residual(128)

    def forward(self, image: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(image)))
        x = self.layer7(self.layer6(self.layer5(x)))
        y: Tensor = self.layer11(self.layer10(self.layer9(x)))
        return y


class Decoder(nn.Module):
    """An image from features, by kernels that follow the motion at last.

    Args:
        legacy_taps: see `MotionETR`.
    """

    dcn_5_0: nn.Module
    dcn_5_1: nn.Module
    dcn_6_0: nn.Module
    dcn_6_1: nn.Module

    def __init__(self, *, legacy_taps: bool) -> None:
        super().__init__()
        self.legacy_taps = legacy_taps
        self.ratio_3 = nn.Parameter(torch.tensor(REACH), requires_grad=False)
        self.layer13, self.layer14 = Residual(128), Residual(128)
        self.layer16 = nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1)
        self.layer17, self.layer18 = Residual(64), Residual(64)
        self.layer20 = nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)
        for name in ('dcn_5_0', 'dcn_5_1', 'dcn_6_0', 'dcn_6_1'):
            self.add_module(name, nn.Conv2d(32, 32, 3))  # its weights; `deform_conv2d` is what is computed
        self.layer24 = nn.Conv2d(32, 3, 3, padding=1)

    def forward(self, features: Tensor, ends: Tensor) -> Tensor:
        x = self.layer18(self.layer17(self.layer16(self.layer14(self.layer13(features)))))
        x, taps = self.layer20(x), self._taps(ends)
        for first, second in ((self.dcn_5_0, self.dcn_5_1), (self.dcn_6_0, self.dcn_6_1)):
            y = _deformed(first, x, taps).relu()
            x = x + _deformed(second, y, taps)
        image: Tensor = self.layer24(x)
        return image

    def _taps(self, ends: Tensor) -> Tensor:
        """(B, 18, H, W): where the nine taps lie, less where a kernel of 3 x 3 has them; row and column of each.

        The authors' code puts all rows before all columns, and takes the times as they are stored: each of its taps
        pairs a row and a column of different times.
        """
        times = LEGACY_TAPS if self.legacy_taps else TAPS
        offsets = torch.stack([offset_at(ends, time) for time in times], dim=1)  # (B, 9, 2, H, W)
        side = torch.tensor([-1, 0, 1], device=ends.device, dtype=ends.dtype)
        kernel = torch.stack((side.repeat_interleave(3), side.repeat(3)), dim=1)[:, :, None, None]
        taps = self.ratio_3 * offsets - kernel
        return taps.transpose(1, 2).flatten(1, 2) if self.legacy_taps else taps.flatten(1, 2)


def _deformed(layer: nn.Module, x: Tensor, taps: Tensor) -> Tensor:
    return deform_conv2d(x, taps, layer.weight, layer.bias, padding=1)  # type: ignore[arg-type]


class PatchNetwork(nn.Module):
    """Deblurs quarters, then halves, then the whole, each helped by the ones before."""

    encoder_lv1: nn.Module
    encoder_lv2: nn.Module
    encoder_lv3: nn.Module
    decoder_lv1: nn.Module
    decoder_lv2: nn.Module
    decoder_lv3: nn.Module

    def __init__(self, *, legacy_taps: bool) -> None:
        super().__init__()
        for level in (1, 2, 3):
            self.add_module(f'encoder_lv{level}', Encoder())
            self.add_module(f'decoder_lv{level}', Decoder(legacy_taps=legacy_taps))

    def forward(self, blur: Tensor, ends: Tensor) -> Tensor:
        halves, ends_of = blur.chunk(2, dim=2), ends.chunk(2, dim=2)
        rows = [torch.cat([self.encoder_lv3(part) for part in half.chunk(2, dim=3)], dim=3) for half in halves]
        corrected = [
            half + self.decoder_lv3(*pair) for half, pair in zip(halves, zip(rows, ends_of, strict=True), strict=True)
        ]
        second = torch.cat([self.encoder_lv2(half) for half in corrected], dim=2) + torch.cat(rows, dim=2)
        first = self.encoder_lv1(blur + self.decoder_lv2(second, ends)) + second
        sharp: Tensor = blur + self.decoder_lv1(first, ends)
        return sharp


@ARCH_REGISTRY.register()
class MotionETR(nn.Module):
    """Frames at any time: the deblurred middle, moved along the trajectory of each pixel.

    Layers are named as in the authors' checkpoints. A photo fits its sequence in both directions of time; which one is
    given is the network's guess.

    Args:
        legacy_taps: mix up the points that the deformable kernels follow, as the authors' code does by mistake and
            their weights were trained.
    """

    def __init__(self, *, legacy_taps: bool = False) -> None:
        super().__init__()
        self.offset_net = TrajectoryNetwork()
        self.deblur_net = PatchNetwork(legacy_taps=legacy_taps)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, blur: Tensor, times: Tensor) -> Tensor:
        """Return frames at N times, (B, N, 3, H, W), not clipped.

        Args:
            blur: (B, 3, H, W), RGB in [0, 1]; sides multiples of 8.
            times: (N,): -1 the start of the exposure, 0 its middle, 1 its end.

        Raises:
            ValueError: the sides are no multiples of 8.
        """
        sharp, ends = self.restore(blur)
        return torch.stack([warp(sharp, offset_at(ends, float(time))) for time in times], dim=1)

    def restore(self, blur: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sharp middle, (B, 3, H, W), and the trajectory's ends, (B, 4, H, W); raises as `forward`."""
        if blur.dim() != 4 or blur.shape[1] != 3 or blur.shape[2] % MULTIPLE or blur.shape[3] % MULTIPLE:
            raise ValueError(
                f'MotionETR: expected (B, 3, H, W) with sides that are multiples of {MULTIPLE}, got {tuple(blur.shape)}'
            )
        ends = self.offset_net(blur)
        return self.deblur_net(blur, ends), ends
