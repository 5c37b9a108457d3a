"""XVFI-Net: a frame at any time between two, by flows from coarse to fine (Sim, Oh and Kim, ICCV 2021).

Modules carry the names of the released parameters; what was only needed to train them is left out.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.building.flow_warps import reversed_flows, warped

WIDTH: Final = 64
FACTOR: Final = 4  # the features of level 0 are so much smaller than the frames


def _hourglass(num_in_ch: int, num_out_ch: int, *before: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        *before,
        nn.Conv2d(num_in_ch, 2 * WIDTH, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(2 * WIDTH, 4 * WIDTH, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode='nearest'),
        nn.Conv2d(4 * WIDTH, 2 * WIDTH, 3, padding=1),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode='nearest'),
        nn.Conv2d(2 * WIDTH, WIDTH, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(WIDTH, num_out_ch, 3, padding=1),
    )


class Residual(nn.Module):
    """Two convolutions added to the input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv3x3_1, self.conv3x3_2 = (nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv3x3_2(F.relu(self.conv3x3_1(x)))


class Residuals(nn.Module):
    """Two residual blocks, added to the input once more."""

    def __init__(self) -> None:
        super().__init__()
        self.resblock1, self.resblock2 = Residual(), Residual()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.resblock2(self.resblock1(x))


class Blend(nn.Module):
    """A U-Net that decides where each of two warped frames is seen, and what both lack."""

    def __init__(self) -> None:
        super().__init__()
        widths = ((32, WIDTH), (WIDTH, 2 * WIDTH), (2 * WIDTH, 4 * WIDTH))
        self.enc1, self.enc2, self.enc3 = (nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in widths)
        decoders = ((4, 4), (6, 2), (3, 1))
        self.dec0, self.dec1, self.dec2 = (nn.Conv2d(a * WIDTH, b * WIDTH, 3, padding=1) for a, b in decoders)
        self.dec3 = nn.Conv2d(WIDTH, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first = F.relu(self.enc1(x))
        second = F.relu(self.enc2(first))
        y = _double(F.relu(self.dec0(F.relu(self.enc3(second)))))
        y = _double(F.relu(self.dec1(torch.cat((y, second), dim=1))))
        y = _double(F.relu(self.dec2(torch.cat((y, first), dim=1))))
        blended: Tensor = self.dec3(y)
        return blended


class FlowNetwork(nn.Module):
    """Flows between two frames, and the blend of both at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_flow_bottom = _hourglass(2 * WIDTH, 6)
        self.conv_flow1 = nn.Conv2d(2 * WIDTH, WIDTH, 3, padding=1)
        self.conv_flow2 = _hourglass(2 * WIDTH + 4, 6)
        self.conv_flow3 = _hourglass(WIDTH, 4, nn.Conv2d(4 * WIDTH + 4, WIDTH, 1), nn.ReLU())
        self.refine_unet = Blend()

    def flows(self, first: Tensor, second: Tensor, coarser: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the flows of one level, (B, 4, h, w) in its pixels, to the second frame and back, and importances.

        Args:
            first: features (B, 64, h, w) of the first frame.
            second: of the second one.
            coarser: flows of the level below, half as large; None at the lowest.
        """
        if coarser is None:
            found = self.conv_flow_bottom(torch.cat((first, second), dim=1))
            return found[:, :4], found[:, 4:]
        known = 2 * F.interpolate(coarser, scale_factor=2, mode='bilinear', align_corners=False)
        there = self.conv_flow1(torch.cat((first, warped(second, known[:, :2])), dim=1))
        back = self.conv_flow1(torch.cat((second, warped(first, known[:, 2:])), dim=1))
        found = self.conv_flow2(torch.cat((there, back, known), dim=1))
        return known + found[:, :4], found[:, 4:]


class XvfiNetwork(nn.Module):
    """A frame between two.

    Args:
        levels: S, the lowest level: 5 for the sharp footage of GOPRO at 1280 x 720, as the published data set was made.
    """

    def __init__(self, levels: int = 5) -> None:
        super().__init__()
        self.levels = levels
        self.vfinet = FlowNetwork()
        self.channel_converter = nn.Sequential(nn.Conv2d(3, WIDTH, 3, padding=1))
        self.rec_ext_ds = nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1)
        last = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.rec_ext_ds_module = nn.ModuleDict({'5': last, '6': Residuals()})
        self.rec_ctx_ds = nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1)

    @property
    def multiple(self) -> int:
        """What the frames' sides must be multiples of."""
        return 2**self.levels * 4 * FACTOR

    def forward(self, frames: tuple[Tensor, Tensor], time: Tensor) -> Tensor:
        """Return the frame at a time, (B, 3, H, W), not clipped.

        Args:
            frames: two of (B, 3, H, W), BGR in [-1, 1]; sides multiples of `multiple`.
            time: (B,), between 0 and 1.
        """
        features = [self._features(frame) for frame in frames]
        return self._blend(frames, features, self._flows(features), time.view(-1, 1, 1, 1))

    def _features(self, frame: Tensor) -> list[Tensor]:
        """Features of each level, from 0 on."""
        x = F.relu(self.channel_converter(frame))
        for _ in range(2):
            x = F.relu(self.rec_ext_ds(x))
        x = self.rec_ext_ds_module['6'](self.rec_ext_ds_module['5'](x))
        pyramid = [x]
        for _ in range(self.levels):
            pyramid.append(self.rec_ctx_ds(pyramid[-1]))
        return pyramid

    def _flows(self, features: list[list[Tensor]]) -> tuple[Tensor, Tensor]:
        flows, importances = self.vfinet.flows(features[0][-1], features[1][-1], None)
        for level in reversed(range(self.levels)):
            flows, importances = self.vfinet.flows(features[0][level], features[1][level], flows)
        return flows, importances

    def _blend(
        self,
        frames: tuple[Tensor, Tensor],
        features: list[list[Tensor]],
        flows: tuple[Tensor, Tensor],
        time: Tensor,
    ) -> Tensor:
        first, second = (pyramid[0] for pyramid in features)
        to_first, to_second = reversed_flows(*flows, time)
        warps = (warped(first, to_first), warped(second, to_second))
        seen = torch.cat((first, *warps, second, to_first, to_second), dim=1)
        refined = torch.cat((to_first, to_second), dim=1) + self.vfinet.conv_flow3(seen)
        near = [warped(one, flow) for one, flow in zip((first, second), refined.chunk(2, dim=1), strict=True)]
        large = FACTOR * F.interpolate(refined, scale_factor=FACTOR, mode='bilinear', align_corners=False)
        images = [warped(frame, flow) for frame, flow in zip(frames, large.chunk(2, dim=1), strict=True)]
        detail = F.pixel_shuffle(torch.cat((first, second, *near), dim=1), FACTOR)
        found = self.vfinet.refine_unet(torch.cat((detail, *frames, *images, large), dim=1))
        weights = (1 - time) * found[:, :1].sigmoid(), time * (1 - found[:, :1].sigmoid())
        mixed = (weights[0] * images[0] + weights[1] * images[1]) / (weights[0] + weights[1])
        return mixed + found[:, 1:]


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode='nearest')


def convert(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the authors' parameters under the names of `XvfiNetwork`.

    Their state dict holds shared tensors under several names, convolutions of one frame in time, and two convolutions
    that are not used.

    Raises:
        ValueError: copies of a shared tensor differ.
    """
    shared = {
        'rec_ext_ds_module.0.0': 'channel_converter.0',
        'rec_ext_ds_module.1': 'rec_ext_ds',
        'rec_ext_ds_module.3': 'rec_ext_ds',
    }
    converted: dict[str, Tensor] = {}
    for name, value in state.items():
        module, _, kind = name.rpartition('.')
        if module in ('vfinet.refine_unet.conv1', 'vfinet.refine_unet.conv2'):
            continue
        own, flat = f'{shared.get(module, module)}.{kind}', value.squeeze(2) if value.dim() == 5 else value
        if own in converted and not torch.equal(converted[own], flat):
            raise ValueError(f'XVFI: {name} and its copy {own} differ')
        converted[own] = flat
    return converted
