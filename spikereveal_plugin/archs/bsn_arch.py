"""BSN, the blind-spot denoiser of short-exposure firing rates (SpikeReveal Eq. 9; Laine et al. 2019)."""

from itertools import pairwise

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

LEAK = 0.1
MIN_SIZE = 4  # two halvings must leave a pixel


class UpwardConv(nn.Conv2d):
    """A 3x3 convolution that sees its own row and the two above, then LeakyReLU; the size stays.

    Beyond the left and right edge the nearest pixel is repeated; beyond the top edge there are zeros.
    """

    def __init__(self, num_in_ch: int, num_out_ch: int) -> None:
        super().__init__(num_in_ch, num_out_ch, kernel_size=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (1, 1, 0, 0), mode='replicate')
        x = F.pad(x, (0, 0, 2, 0))
        return F.leaky_relu(super().forward(x), LEAK, inplace=True)


def shift_down(x: Tensor) -> Tensor:
    """Move the rows of (B, C, H, W) down by one: zeros enter at the top, the last row leaves."""
    return F.pad(x, (0, 0, 1, -1))


def join_skip(x: Tensor, skip: Tensor) -> Tensor:
    """Double `x`, pad it at the bottom and right with zeros to the size of `skip`, and concatenate the two."""
    x = F.interpolate(x, scale_factor=2, mode='nearest')
    missing_rows, missing_columns = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
    return torch.cat((F.pad(x, (0, missing_columns, 0, missing_rows)), skip), dim=1)


def _upward_convs(*channels: int) -> nn.Sequential:
    return nn.Sequential(*(UpwardConv(before, after) for before, after in pairwise(channels)))


class UpwardUNet(nn.Module):
    """A U-Net whose output row r sees nothing below row r - 1 of its input.

    Each halving of the rows comes after a shift by one row, without which it would let a row see the one below.
    """

    def __init__(self, num_in_ch: int, num_feat: int) -> None:
        super().__init__()
        narrow, wide = num_feat, 2 * num_feat
        self.encoder1 = _upward_convs(num_in_ch, narrow, narrow, narrow)
        self.encoder2 = _upward_convs(narrow, narrow, narrow, narrow)
        self.encoder3 = _upward_convs(narrow, wide, wide, narrow)
        self.decoder2 = _upward_convs(wide, wide, wide, wide, wide)
        self.decoder1 = _upward_convs(wide + num_in_ch, wide, wide, wide, wide)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, 2 num_feat, H, W) of x (B, num_in_ch, H, W)."""
        half = F.max_pool2d(shift_down(self.encoder1(x)), 2)
        quarter = F.max_pool2d(shift_down(self.encoder2(half)), 2)
        features = self.decoder2(join_skip(self.encoder3(quarter), half))
        return shift_down(self.decoder1(join_skip(features, x)))


@ARCH_REGISTRY.register()
class BSN(nn.Module):
    """A denoiser that learns from noisy images alone: no output pixel sees its own input pixel.

    One U-Net looks up, right, down and left (the image is turned four times), and 1x1 convolutions join the four.

    Args:
        num_in_ch: channels of the input.
        num_out_ch: channels of the output.
        num_feat: width of the U-Net; published 48, which makes 1,118,832 parameters.
        square_padding: reflect-pad an image to a square as the authors do. It gives their numbers on images that are
            not square, but there it brings a pixel's own value back into view near the edges.
    """

    def __init__(
        self, *, num_in_ch: int = 1, num_out_ch: int = 1, num_feat: int = 48, square_padding: bool = False
    ) -> None:
        super().__init__()
        self.num_in_ch = num_in_ch
        self.square_padding = square_padding
        self.unet = UpwardUNet(num_in_ch, num_feat)
        self.join = nn.Sequential(
            nn.Conv2d(8 * num_feat, 8 * num_feat, 1, bias=False),
            nn.LeakyReLU(LEAK, inplace=True),
            nn.Conv2d(8 * num_feat, 2 * num_feat, 1, bias=False),
            nn.LeakyReLU(LEAK, inplace=True),
        )
        self.last = nn.Conv2d(2 * num_feat, num_out_ch, 1, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw Kaiming-normal weights, with the gain of what follows each convolution."""
        for module in (*self.unet.modules(), *self.join):
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=LEAK)
        nn.init.kaiming_normal_(self.last.weight, nonlinearity='linear')

    def forward(self, x: Tensor) -> Tensor:
        """Return the denoised x, (B, num_out_ch, H, W), not clipped.

        Args:
            x: (B, num_in_ch, H, W), firing rates in [0, 1]; H and W at least 4, otherwise any.

        Raises:
            ValueError: `x` has another form, or is too narrow to be reflected to a square.
        """
        if x.dim() != 4 or x.shape[1] != self.num_in_ch or min(x.shape[2:]) < MIN_SIZE:
            raise ValueError(
                f'BSN: expected (B, {self.num_in_ch}, H, W) with H and W at least {MIN_SIZE}, got {tuple(x.shape)}'
            )
        if not self.square_padding:
            return self._denoise(x)
        height, width = x.shape[2:]
        left, right, top, bottom = _square_margins(height, width)
        x = self._denoise(F.pad(x, (left, right, top, bottom), mode='reflect'))
        return x[:, :, top : top + height, left : left + width]

    def _denoise(self, x: Tensor) -> Tensor:
        features: dict[int, Tensor] = {}
        for turns in ((0, 2), (1, 3)):  # quarter turns clockwise; two of equal shape share a batch
            turned = torch.cat([torch.rot90(x, -turn, (2, 3)) for turn in turns])
            for turn, part in zip(turns, self.unet(turned).chunk(2), strict=True):
                features[turn] = torch.rot90(part, turn, (2, 3))
        return self.last(self.join(torch.cat([features[turn] for turn in range(4)], dim=1)))


def _square_margins(height: int, width: int) -> tuple[int, int, int, int]:
    """Return the left, right, top and bottom margins that make a centred square; the odd pixel goes right or bottom."""
    size = max(height, width)
    left, top = (size - width) // 2, (size - height) // 2
    right, bottom = size - width - left, size - height - top
    if max(right, bottom) >= min(height, width):
        raise ValueError(f'BSN: {height} x {width} is too narrow to be reflected to a square; use square_padding=False')
    return left, right, top, bottom
