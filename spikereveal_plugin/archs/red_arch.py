"""RED: seven gray frames of a gray photo and six segments of events or spikes (Xu et al., ICCV 2021)."""

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

SEGMENTS = 6
CHANNELS = 4  # of a segment: counts of both polarities, times of the last of both
FRAMES = SEGMENTS + 1
DENSE_LAYERS = 5


class DenseLayer(nn.Module):
    """A convolution whose output is put behind its input."""

    def __init__(self, num_in_ch: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(num_in_ch, growth, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, F.relu(self.conv(x))), dim=1)


class ResidualDenseBlock(nn.Module):
    """Dense layers, fused to the input's width and added to it."""

    def __init__(self, num_feat: int, growth: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(DenseLayer(num_feat + growth * i, growth) for i in range(DENSE_LAYERS)))
        self.LFF = nn.Conv2d(num_feat + growth * DENSE_LAYERS, num_feat, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.LFF(self.convs(x))


@ARCH_REGISTRY.register()
class RED(nn.Module):
    """A residual dense network at half the photo's size; layers are named as in the authors' checkpoint.

    Args:
        num_feat: width.
        num_block: residual dense blocks.
        growth: channels that each of their layers adds.
    """

    def __init__(self, *, num_feat: int = 96, num_block: int = 20, growth: int = 48) -> None:
        super().__init__()
        self.SFENet1 = nn.Conv2d(4 * (1 + SEGMENTS * CHANNELS), num_feat, 5, padding=2)
        self.SFENet2 = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.RDBs = nn.ModuleList(ResidualDenseBlock(num_feat, growth) for _ in range(num_block))
        self.GFF = nn.Sequential(
            nn.Conv2d(num_block * num_feat, num_feat, 1), nn.Conv2d(num_feat, num_feat, 3, padding=1)
        )
        self.UPNet = nn.Sequential(
            nn.Conv2d(num_feat, 256, 3, padding=1), nn.PixelShuffle(2), nn.Conv2d(64, FRAMES, 3, padding=1)
        )

    def forward(self, blur: Tensor, segments: Tensor) -> Tensor:
        """Return the frames at the seven borders of the segments, (B, 7, 1, H, W), not clipped.

        Args:
            blur: (B, 1, H, W), gray in [0, 1]; both sides even.
            segments: (B, 6, 4, H, W), see `physics/spike_inputs.py`.

        Raises:
            ValueError: an argument has another form.
        """
        if blur.dim() != 4 or blur.shape[1] != 1 or blur.shape[2] % 2 or blur.shape[3] % 2:
            raise ValueError(f'RED: expected a gray photo (B, 1, H, W) of even sides, got {tuple(blur.shape)}')
        if segments.shape != (len(blur), SEGMENTS, CHANNELS, *blur.shape[2:]):
            raise ValueError(f'RED: expected segments (B, 6, 4, H, W) of its size, got {tuple(segments.shape)}')
        first = self.SFENet1(F.pixel_unshuffle(torch.cat((blur, segments.flatten(1, 2)), dim=1), 2))
        features, x = [], self.SFENet2(first)
        for block in self.RDBs:
            x = block(x)
            features.append(x)
        frames: Tensor = self.UPNet(self.GFF(torch.cat(features, dim=1)) + first) + blur
        return frames[:, :, None]
