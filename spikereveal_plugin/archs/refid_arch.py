"""REFID: a bidirectional recurrent network of a photo and slices of events or spikes (Sun et al., CVPR 2023)."""

from collections.abc import Sequence

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.blocks import ResidualBlock
from spikereveal_plugin.archs.egaca import EventGuidedAttention

SLOPE = 0.2
LEVELS = 3
BINS = 2  # of the voxel grid, in each slice


class Convolution(nn.Module):
    """A convolution that keeps the size, without an activation."""

    def __init__(self, num_in_ch: int, num_out_ch: int, kernel_size: int) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(num_in_ch, num_out_ch, kernel_size, padding=kernel_size // 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2d(x)
        return y


class Trunk(nn.Module):
    """The recurrent part of a level: its output is its next state."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        block = ResidualBlock(num_feat)
        for conv in (block.conv1, block.conv2):  # small at first: He et al.'s values times 0.1
            nn.init.kaiming_normal_(conv.weight)
            conv.weight.data *= 0.1
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        first = nn.Conv2d(2 * num_feat, num_feat, 3, padding=1)
        self.main = nn.Sequential(first, nn.LeakyReLU(0.1), nn.Sequential(block))

    def forward(self, x: Tensor, state: Tensor | None) -> Tensor:
        y: Tensor = self.main(torch.cat((x, torch.zeros_like(x) if state is None else state), dim=1))
        return y


class Recurrent(nn.Module):
    """`Trunk` under the name that the authors' encoders give it."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.forward_trunk = Trunk(num_feat)


def _down(num_feat: int) -> nn.Conv2d:
    return nn.Conv2d(num_feat, num_feat, 4, stride=2, padding=1, bias=False)


class ImageEncoder(nn.Module):
    """A level of the photo's encoder; halves the size."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.identity = nn.Conv2d(num_feat, 2 * num_feat, 1)
        self.conv_1 = nn.Conv2d(num_feat, 2 * num_feat, 3, padding=1)
        self.conv_2 = nn.Conv2d(2 * num_feat, 2 * num_feat, 3, padding=1)
        self.down = _down(2 * num_feat)

    def forward(self, x: Tensor) -> Tensor:
        main = F.leaky_relu(self.conv_2(F.leaky_relu(self.conv_1(x), SLOPE)), SLOPE)
        y: Tensor = self.down(main + self.identity(x))
        return y


class EventEncoder(nn.Module):
    """A level of the slices' encoders; gives its output, half as large, and its state.

    Args:
        level: from 0, the finest.
        num_feat: width of its input.
        is_forward: whether it joins its state with that of the pass backward in time.
    """

    def __init__(self, level: int, num_feat: int, *, is_forward: bool) -> None:
        super().__init__()
        self.level = level
        self.conv = Convolution(num_feat, 2 * num_feat, 3)  # of level 1 unused, as in the authors' checkpoints
        if level == 1:
            self.atten_fuse = EventGuidedAttention(num_feat)
        self.recurrent_block = Recurrent(2 * num_feat)
        if is_forward:
            self.fuse_two_dir = Convolution(4 * num_feat, 2 * num_feat, 1)
        self.down = _down(2 * num_feat)

    def forward(
        self, x: Tensor, photo: Sequence[Tensor], state: Tensor | None, backward_state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return (output, state).

        Args:
            x: of the level before.
            photo: features of the photo, from the finest on.
            state: of this level at the slice before.
            backward_state: of this level in the pass backward in time; None in that pass itself.
        """
        if self.level == 1:
            entered = self.atten_fuse(x, photo[0])
        else:
            entered = self.conv(x if self.level == 0 else x + photo[1])
            entered = F.leaky_relu(F.leaky_relu(entered, SLOPE), SLOPE)  # twice, as the authors do
        state = self.recurrent_block.forward_trunk(entered, state)
        joined = state
        if backward_state is not None:
            joined = F.leaky_relu(self.fuse_two_dir(torch.cat((state, backward_state), dim=1)), SLOPE)
        return self.down(joined), state


class Bottleneck(ResidualBlock):
    """A residual block with a ReLU after the sum."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(super().forward(x))


class Decoder(nn.Module):
    """A level of the decoder; doubles the size, and its output is its next state."""

    def __init__(self, num_feat: int) -> None:
        super().__init__()
        self.transposed_conv2d = nn.ConvTranspose2d(num_feat, num_feat // 2, 2, stride=2)
        self.forward_trunk = Trunk(num_feat // 2)

    def forward(self, x: Tensor, state: Tensor | None) -> Tensor:
        y: Tensor = self.forward_trunk(self.transposed_conv2d(x), state)
        return y


@ARCH_REGISTRY.register()
class REFID(nn.Module):
    """A frame for each slice of a voxel grid; layers are named as in the authors' checkpoints.

    Args:
        num_in_ch: channels of the photo, or of photos and bins put together.
        num_feat: width at full size.
        aliased_states: see the states of slice 0 at every slice of the forward pass, as the authors' code does by
            mistake and their weights were trained; false sees each slice's own.
    """

    def __init__(self, *, num_in_ch: int = 3, num_feat: int = 32, aliased_states: bool = False) -> None:
        super().__init__()
        self.aliased_states = aliased_states
        widths = [num_feat * 2**level for level in range(LEVELS)]
        self.head = Convolution(BINS, num_feat, 5)
        self.encoders_backward = nn.ModuleList(EventEncoder(i, w, is_forward=False) for i, w in enumerate(widths))
        self.encoders_forward = nn.ModuleList(EventEncoder(i, w, is_forward=True) for i, w in enumerate(widths))
        self.head_img = Convolution(num_in_ch, num_feat, 5)
        self.img_encoders = nn.ModuleList(map(ImageEncoder, widths))
        self.resblocks = nn.ModuleList(Bottleneck(2 * widths[-1]) for _ in range(2))
        self.decoders = nn.ModuleList(Decoder(2 * width) for width in reversed(widths))
        self.pred = Convolution(num_feat, 3, 3)

    def forward(self, blur: Tensor, voxels: Tensor) -> Tensor:
        """Return a frame for each slice, (B, T, 3, H, W), not clipped.

        Args:
            blur: (B, num_in_ch, H, W), RGB in [0, 1], or (B, n, c, H, W) of n photos; sides multiples of 8.
            voxels: (B, T, 2, H, W): slices of neighbouring bins, see `physics/spike_inputs.py`.

        Raises:
            ValueError: the sides are no multiples of 8, or the two differ in size.
        """
        if blur.shape[-2] % 8 or blur.shape[-1] % 8 or voxels.shape[-2:] != blur.shape[-2:]:
            raise ValueError(
                f'REFID: expected sides that are multiples of 8, of photo and voxels alike, got '
                f'{tuple(blur.shape)} and {tuple(voxels.shape)}'
            )
        first = F.leaky_relu(self.head_img(blur.flatten(1, -3)), SLOPE)
        photo, x = [], first
        for encoder in self.img_encoders:
            x = encoder(x)
            photo.append(x)
        slices = F.leaky_relu(self.head(voxels.flatten(0, 1)), SLOPE).unflatten(0, voxels.shape[:2]).unbind(1)
        return torch.stack(self._forward_in_time(slices, first, photo, self._backward_in_time(slices, photo)), dim=1)

    def _backward_in_time(self, slices: Sequence[Tensor], photo: list[Tensor]) -> list[list[Tensor]]:
        """Return the states of each level at each slice."""
        states: list[list[Tensor]] = [[] for _ in slices]
        last: list[Tensor | None] = [None] * LEVELS
        for number in reversed(range(len(slices))):
            x = slices[number]
            for level, encoder in enumerate(self.encoders_backward):
                x, last[level] = encoder(x, photo, last[level])
            states[number] = [state for state in last if state is not None]
        return states

    def _forward_in_time(
        self, slices: Sequence[Tensor], first: Tensor, photo: list[Tensor], backward: list[list[Tensor]]
    ) -> list[Tensor]:
        states: list[Tensor | None] = [None] * LEVELS
        decoded: list[Tensor | None] = [None] * LEVELS
        frames = []
        for number, of_slice in enumerate(slices):
            seen, encoded, x = backward[0 if self.aliased_states else number], [], of_slice
            for level, encoder in enumerate(self.encoders_forward):
                x, states[level] = encoder(x, photo, states[level], seen[level])
                encoded.append(x)
            x = self.resblocks[1](self.resblocks[0](encoded[-1] + photo[-1]))
            for level, decoder in enumerate(self.decoders):
                x = decoded[level] = decoder(x + encoded[-1 - level], decoded[level])
            frames.append(self.pred(x + first))
        return frames
