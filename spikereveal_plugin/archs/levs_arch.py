"""LEVS: seven frames of one photo, the middle one first, then outward in pairs (Jin et al., CVPR 2018)."""

from collections.abc import Sequence
from typing import Final

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

FRAMES: Final = 7
MULTIPLE: Final = 20  # of the photo's sides: 4 for the middle frame, 5 for the others
PLAIN: Final = (1, 1)
COLOURS: Final = 3


class Branches(nn.Module):
    """Two branches, 1 x 1 and 3 x 3, behind instance norms of their own."""

    def __init__(self, num_in_ch: int, num_out_ch: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.InstanceNorm2d(num_in_ch, affine=True) for _ in range(2))
        self.conv1 = nn.Conv2d(num_in_ch, num_out_ch, 1, bias=False)
        self.conv2 = nn.Conv2d(num_in_ch, num_out_ch, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv1(F.relu(self.norm1(x))) + self.conv2(F.relu(self.norm2(x)))
        return y


class ResidualBranches(nn.Module):
    """Two branches added to the input, the second of two dilated convolutions.

    Args:
        num_feat: width.
        dilations: of the two.
    """

    def __init__(self, num_feat: int, dilations: tuple[int, int]) -> None:
        super().__init__()
        first, second = dilations
        self.norm1, self.norm2, self.norm4 = (nn.InstanceNorm2d(num_feat, affine=True) for _ in range(3))
        self.conv1 = nn.Conv2d(num_feat, num_feat, 1, bias=False)
        self.conv2 = nn.Conv2d(num_feat, num_feat, 3, padding=first, dilation=first, bias=False)
        self.conv4 = nn.Conv2d(num_feat, num_feat, 3, padding=second, dilation=second, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        deep = self.conv4(F.relu(self.norm4(self.conv2(F.relu(self.norm2(x))))))
        return x + self.conv1(F.relu(self.norm1(x))) + deep


def _residuals(num_feat: int, dilations: Sequence[tuple[int, int]]) -> nn.Sequential:
    return nn.Sequential(*(ResidualBranches(num_feat, pair) for pair in dilations))


class _Frame(nn.Module):
    """What both kinds of networks share: groups on each colour with the same weights, then all colours together."""

    conv1_B: nn.Module  # noqa: N815  (as in the checkpoints)
    GlobalGrad: nn.Module

    def __init__(self, factor: int, groups: Sequence[Sequence[tuple[int, int]]], num_feat: int, width: int) -> None:
        super().__init__()
        self.factor, self.count = factor, len(groups)
        self.conv2 = nn.Conv2d(COLOURS, width, 3, padding=1, bias=False)
        self.norm3 = nn.InstanceNorm2d(width, affine=True)
        self.conv3 = nn.Conv2d(width, COLOURS, 3, padding=1, bias=False)
        for number, dilations in enumerate(groups, 1):
            self.add_module(f'LocalGrad{number}', _residuals(num_feat, dilations))
            self.add_module(f'fuse{number}', nn.Sequential(Branches(num_feat, factor**2)))

    def unshuffled(self, image: Tensor) -> Tensor:
        """(3 B, factor * factor, h, w): space to depth of each colour, which is a sample of its own."""
        return F.pixel_unshuffle(image.flatten(0, 1)[:, None], self.factor)

    def refined(self, x: Tensor, start: Tensor) -> Tensor:
        """(B, 3, H, W): `start`, of unshuffled colours, plus what each group adds, then the colours mixed."""
        total = start
        for number in range(1, self.count + 1):
            x = self.get_submodule(f'LocalGrad{number}')(x)
            total = total + self.get_submodule(f'fuse{number}')(x)
        colours = F.pixel_shuffle(total, self.factor).squeeze(1).unflatten(0, (-1, COLOURS))
        mixed: Tensor = self.conv3(F.relu(self.norm3(self.GlobalGrad(self.conv2(colours)))))
        return mixed


class MiddleFrame(_Frame):
    """The network of the frame in the middle."""

    def __init__(self) -> None:
        super().__init__(
            4, ([PLAIN] * 3, [(1, 2), (2, 4), (4, 8)], [(8, 4), (4, 2), (2, 1)], [PLAIN] * 3), num_feat=144, width=64
        )
        self.conv1_B = nn.Conv2d(16, 144, 5, padding=2, bias=False)
        self.GlobalGrad = _residuals(64, [PLAIN])

    def forward(self, blur: Tensor) -> Tensor:
        start = self.unshuffled(blur)
        return self.refined(self.conv1_B(start), start) + blur


class PairFrame(_Frame):
    """The network of a frame beside two that are known, of which the second is the nearer one.

    Args:
        num_plain: blocks without dilation, before and after those that have it.
    """

    conv1_S1: nn.Module  # noqa: N815
    conv1_S2: nn.Module  # noqa: N815

    def __init__(self, num_plain: int) -> None:
        dilated = [(1, 2), (4, 8), (8, 4), (2, 1)]
        super().__init__(5, ([PLAIN] * num_plain, dilated, [PLAIN] * num_plain), num_feat=128, width=32)
        for name, width in (('conv1_B', 64), ('conv1_S1', 32), ('conv1_S2', 32)):
            self.add_module(name, nn.Conv2d(25, width, 5, padding=2, bias=False))
        self.GlobalGrad = nn.Sequential(Branches(32, 32))

    def forward(self, blur: Tensor, first: Tensor, second: Tensor) -> Tensor:
        start = self.unshuffled(second)
        entries = (self.conv1_B(self.unshuffled(blur)), self.conv1_S1(self.unshuffled(first)), self.conv1_S2(start))
        return self.refined(torch.cat(entries, dim=1), start) + second


@ARCH_REGISTRY.register()
class LEVS(nn.Module):
    """Five networks in a chain: `center`, two of the pair 3 and 5, one of 2 and 6, one of 1 and 7.

    Layers are named as in the authors' four checkpoints, here `center`, `f35`, `f26` and `f17`. Instance norms
    see the whole image: tiles would change it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.center = MiddleFrame()
        self.f35 = nn.ModuleDict({'generateFrame3': PairFrame(4), 'generateFrame5': PairFrame(4)})
        self.f26 = nn.ModuleDict({'generateFrame2_6': PairFrame(2)})
        self.f17 = nn.ModuleDict({'generateFrame1_7': PairFrame(2)})

    def forward(self, blur: Tensor) -> Tensor:
        """Return seven frames, (B, 7, 3, H, W), not clipped; in which direction of time is the network's guess.

        Args:
            blur: (B, 3, H, W), RGB in [0, 1]; sides multiples of 20.

        Raises:
            ValueError: the sides are no multiples of 20.
        """
        if blur.dim() != 4 or blur.shape[1] != COLOURS or blur.shape[2] % MULTIPLE or blur.shape[3] % MULTIPLE:
            raise ValueError(
                f'LEVS: expected (B, 3, H, W) with sides that are multiples of {MULTIPLE}, got {tuple(blur.shape)}'
            )
        fourth = self.center(blur)
        third = self.f35['generateFrame3'](blur, fourth, fourth)
        fifth = self.f35['generateFrame5'](blur, third, fourth)
        second, sixth = (self.f26['generateFrame2_6'](blur, fourth, nearer) for nearer in (third, fifth))
        first = self.f17['generateFrame1_7'](blur, third, second)
        seventh = self.f17['generateFrame1_7'](blur, fifth, sixth)
        return torch.stack((first, second, third, fourth, fifth, sixth, seventh), dim=1)
