"""DASR: blind super-resolution by a degradation that is read off the image (Wang et al., CVPR 2021)."""

from typing import Final

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE: Final = 0.1
FULL: Final = 255.0  # the network's own white
MEAN: Final = (0.4488, 0.4371, 0.4040)
EMBEDDING: Final = 256
SMALLEST: Final = 4


class DegradationEncoder(nn.Module):
    """A vector for how an image was made smaller, (B, 256), and its projection for the contrastive loss."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for num_in_ch, num_out_ch, stride in (
            *((3, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2)),
            (256, EMBEDDING, 1),
        ):
            conv = nn.Conv2d(num_in_ch, num_out_ch, 3, stride=stride, padding=1)
            layers += [conv, nn.BatchNorm2d(num_out_ch), nn.LeakyReLU(SLOPE)]
        self.E = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))
        self.mlp = nn.Sequential(nn.Linear(EMBEDDING, 256), nn.LeakyReLU(SLOPE), nn.Linear(256, 256))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.E(image).flatten(1)
        return embedding, self.mlp(embedding)


class ChannelScale(nn.Module):
    """Scales channels by the degradation."""

    def __init__(self, num_feat: int, reduction: int = 8) -> None:
        super().__init__()
        layers = nn.Conv2d(num_feat, num_feat // reduction, 1, bias=False), nn.LeakyReLU(SLOPE)
        self.conv_du = nn.Sequential(*layers, nn.Conv2d(num_feat // reduction, num_feat, 1, bias=False), nn.Sigmoid())

    def forward(self, x: Tensor, degradation: Tensor) -> Tensor:
        return x * self.conv_du(degradation[:, :, None, None])


class DegradationAware(nn.Module):
    """A convolution whose depth-wise kernels are made from the degradation, a set for each sample."""

    def __init__(self, num_feat: int, kernel_size: int = 3) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        first, last = (
            nn.Linear(num_feat, num_feat, bias=False),
            nn.Linear(num_feat, num_feat * kernel_size**2, bias=False),
        )
        self.kernel = nn.Sequential(first, nn.LeakyReLU(SLOPE), last)
        self.conv = nn.Conv2d(num_feat, num_feat, 1)
        self.ca = ChannelScale(num_feat)

    def forward(self, x: Tensor, degradation: Tensor) -> Tensor:
        batch, width, height, columns = x.shape
        kernels = self.kernel(degradation).view(batch * width, 1, self.kernel_size, self.kernel_size)
        whole = x.reshape(1, batch * width, height, columns)
        filtered = F.conv2d(whole, kernels, padding=self.kernel_size // 2, groups=batch * width).view_as(x)
        y: Tensor = self.conv(F.leaky_relu(filtered, SLOPE)) + self.ca(x, degradation)
        return y


class Block(nn.Module):
    """Two degradation-aware convolutions and two others, added to the input."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.da_conv1, self.da_conv2 = DegradationAware(num_feat), DegradationAware(num_feat)
        self.conv1, self.conv2 = (nn.Conv2d(num_feat, num_feat, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor, degradation: Tensor) -> Tensor:
        y = F.leaky_relu(self.da_conv1(x, degradation), SLOPE)
        y = F.leaky_relu(self.conv1(y), SLOPE)
        y = F.leaky_relu(self.da_conv2(y, degradation), SLOPE)
        return x + self.conv2(y)


class Group(nn.Module):
    """Blocks and a convolution, added to the input."""

    def __init__(self, num_feat: int, num_block: int) -> None:
        super().__init__()
        conv = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.body = nn.ModuleList([*(Block(num_feat) for _ in range(num_block)), conv])

    def forward(self, x: Tensor, degradation: Tensor) -> Tensor:
        y = x
        for block in self.body[:-1]:
            y = block(y, degradation)
        return x + self.body[-1](y)


class Generator(nn.Module):
    """The super-resolver."""

    mean: Tensor

    def __init__(self, num_feat: int, num_group: int, num_block: int, upscale: int) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(3, num_feat, 3, padding=1))
        self.compress = nn.Sequential(nn.Linear(EMBEDDING, num_feat, bias=False), nn.LeakyReLU(SLOPE))
        conv = nn.Conv2d(num_feat, num_feat, 3, padding=1)
        self.body = nn.ModuleList([*(Group(num_feat, num_block) for _ in range(num_group)), conv])
        steps = [3] if upscale == 3 else [2] * (upscale.bit_length() - 1)
        up = [
            layer for r in steps for layer in (nn.Conv2d(num_feat, r * r * num_feat, 3, padding=1), nn.PixelShuffle(r))
        ]
        self.tail = nn.Sequential(nn.Sequential(*up), nn.Conv2d(num_feat, 3, 3, padding=1))
        self.register_buffer('mean', FULL * torch.tensor(MEAN)[:, None, None], persistent=False)

    def forward(self, image: Tensor, embedding: Tensor) -> Tensor:
        degradation = self.compress(embedding)
        first = self.head(image - self.mean)
        y = first
        for group in self.body[:-1]:
            y = group(y, degradation)
        larger: Tensor = self.tail(first + self.body[-1](y))
        return larger + self.mean


class Encoders(nn.Module):
    """The encoder in use, under the name that the authors' checkpoints give it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder_q = DegradationEncoder()


@ARCH_REGISTRY.register()
class DASR(nn.Module):
    """An image `upscale` times as large; layers are named as in the authors' checkpoints.

    The degradation is a mean over the image: tiles would change it.

    Args:
        num_feat: width.
        num_group: groups of blocks.
        num_block: blocks of a group.
        upscale: 2, 3 or 4.
    """

    def __init__(self, *, num_feat: int = 64, num_group: int = 5, num_block: int = 5, upscale: int = 4) -> None:
        super().__init__()
        if upscale not in (2, 3, 4):
            raise ValueError(f'DASR: expected upscale 2, 3 or 4, got {upscale}')
        self.upscale = upscale
        self.G = Generator(num_feat, num_group, num_block, upscale)
        self.E = Encoders()

    def forward(self, image: Tensor) -> Tensor:
        """Return (B, 3, upscale H, upscale W), RGB, not clipped.

        Args:
            image: (B, 3, H, W), RGB in [0, 1], 4 or more pixels a side.

        Raises:
            ValueError: it is smaller, or no RGB image.
        """
        if image.dim() != 4 or image.shape[1] != 3 or min(image.shape[2:]) < SMALLEST:
            raise ValueError(f'DASR: expected (B, 3, H, W) of {SMALLEST} or more a side, got {tuple(image.shape)}')
        levels = FULL * image
        embedding, _ = self.E.encoder_q(levels)
        larger: Tensor = self.G(levels, embedding)
        return larger / FULL
