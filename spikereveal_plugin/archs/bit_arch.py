"""BiT: a frame at any time of the middle one of three blurry photos (Zhong et al., CVPR 2023)."""

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.swin import SwinGroup, init_linear

PHOTOS = 3
WINDOW = 4
MULTIPLE = 16
SMALLEST = 49  # pixels of a side: the quarter of its stem needs a window


class MultiScaleBlock(nn.Module):
    """RSTB of three scales that share their Swin blocks."""

    def __init__(self, num_feat: int, num_head: int, num_block: int) -> None:
        super().__init__()
        self.residual_group = SwinGroup(num_feat, num_head, WINDOW, num_block)
        self.fuse_layer = nn.Conv2d(3 * num_feat, num_feat, 1)
        self.last_layer = nn.Conv2d(num_feat, num_feat, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        scales = [self.residual_group(x), self._at(x, 2), self._at(x, 4)]
        y: Tensor = self.last_layer(self.fuse_layer(torch.cat(scales, dim=1)))
        return x + y

    def _at(self, x: Tensor, factor: int) -> Tensor:
        """Run the blocks on a smaller map, whose sides are whole windows, and enlarge the result."""
        size = tuple(side // factor // WINDOW * WINDOW for side in x.shape[-2:])
        small = F.interpolate(x, size=size, mode='bilinear', align_corners=False)
        return F.interpolate(self.residual_group(small), size=x.shape[-2:], mode='bilinear', align_corners=False)


@ARCH_REGISTRY.register()
class BiT(nn.Module):
    """A transformer that interpolates blur; layers are named as in the authors' checkpoint.

    Args:
        num_feat: width, a multiple of 3 and of `num_head`.
        num_head: heads.
        num_block: Swin blocks of an RSTB.
        num_group: RSTBs, half of them before the time is known.
    """

    def __init__(self, *, num_feat: int = 174, num_head: int = 6, num_block: int = 6, num_group: int = 6) -> None:
        super().__init__()
        if num_feat % PHOTOS or num_feat % num_head or num_group % 2:
            raise ValueError(
                f'BiT: expected a width that {PHOTOS} and num_head divide, and an even num_group, got {num_feat}, '
                f'{num_head} and {num_group}'
            )
        width = num_feat // PHOTOS
        self.conv_down = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2, padding=1), nn.GELU(), nn.Conv2d(width, width, 3, stride=2, padding=1)
        )
        self.linear_reduce = nn.Linear(num_feat + 1, num_feat)
        self.layers = nn.ModuleList(MultiScaleBlock(num_feat, num_head, num_block) for _ in range(num_group))
        self.norm = nn.LayerNorm(num_feat)  # in the authors' checkpoint, and not used
        self.mid_shuffle_up = nn.Sequential(nn.Conv2d(num_feat, 96, 3, padding=1), nn.PixelShuffle(4))
        self.last_shuffle_up = nn.Sequential(nn.Conv2d(num_feat, 48, 3, padding=1), nn.PixelShuffle(4))
        init_linear(self)

    def forward(self, photos: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Return frames at N times, (B, N, 3, H, W), and those at both ends of the exposure, (B, 2, 3, H, W).

        Args:
            photos: (B, 3, 3, H, W), BGR in [0, 1]: before, now, after; sides of 49 or more.
            times: (B, N), parts of the exposure in the middle: 0 its first frame, 1 its last.

        Raises:
            ValueError: an argument has another form.
        """
        if photos.dim() != 5 or photos.shape[1:3] != (PHOTOS, 3) or min(photos.shape[-2:]) < SMALLEST:
            raise ValueError(
                f'BiT: expected three photos (B, 3, 3, H, W) of {SMALLEST} or more pixels a side, got '
                f'{tuple(photos.shape)}'
            )
        if times.dim() != 2 or len(times) != len(photos):
            raise ValueError(f'BiT: expected times (B, N), got {tuple(times.shape)}')
        height, width = photos.shape[-2:]
        padded = F.pad(photos.flatten(0, 1), (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode='reflect')
        shared = self.encode(padded)
        ends = self.mid_shuffle_up(shared)[..., :height, :width].unflatten(1, (2, 3))
        frames = [self.decode(shared, time)[..., :height, :width] for time in times.unbind(1)]
        return torch.stack(frames, dim=1), ends

    def encode(self, padded: Tensor) -> Tensor:
        """Return what all times share, (B, C, h, w), of (3 B, 3, 4 h, 4 w)."""
        x = self.conv_down(padded).unflatten(0, (-1, PHOTOS)).flatten(1, 2)
        y = x
        for layer in self.layers[: len(self.layers) // 2]:
            y = layer(y)
        return x + y

    def decode(self, shared: Tensor, time: Tensor) -> Tensor:
        """Return the frame at one time a sample, (B,)."""
        clock = time.to(shared)[:, None, None, None].expand(-1, 1, *shared.shape[-2:])
        z = self.linear_reduce(torch.cat((shared, clock), dim=1).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        y = z
        for layer in self.layers[len(self.layers) // 2 :]:
            y = layer(y)
        frame: Tensor = self.last_shuffle_up(z + y)
        return frame
