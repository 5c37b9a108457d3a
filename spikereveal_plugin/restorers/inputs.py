"""What networks are called with, by the names that their descriptors use: one function an input."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from spikereveal_plugin.archs.descriptor import Descriptor
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.shot import Shot

Input = Callable[[Shot, Sequence[int], Descriptor], Tensor]


def blur(shot: Shot, instants: Sequence[int], descriptor: Descriptor) -> Tensor:
    """The photo, (B, 3, H, W)."""
    return shot.blur


def window(shot: Shot, instants: Sequence[int], descriptor: Descriptor) -> Tensor:
    """The readouts around N instants, (B, N, num_spike, h, w), of the photo's type."""
    windows = [shot.window(instant, descriptor.num_spike) for instant in instants]
    return torch.stack(windows, dim=1).to(shot.blur.dtype)


def long_rate(shot: Shot, instants: Sequence[int], descriptor: Descriptor) -> Tensor:
    """The firing rate over the exposure, (B, 1, h, w)."""
    return shot.long_rate


INPUTS: Mapping[str, Input] = {'blur': blur, 'window': window, 'long_rate': long_rate}


def network_inputs(descriptor: Descriptor, shot: Shot, instants: Sequence[int]) -> tuple[Tensor, ...]:
    """Return what a network is called with at N instants, in the order of its `forward`."""
    return tuple(INPUTS[name](shot, instants, descriptor) for name in descriptor.inputs)


def blank_shot(descriptor: Descriptor, height: int, width: int) -> Shot:
    """Return a shot without light whose sensor has (height, width), just long enough for a window."""
    ratio, length = descriptor.upscale or 1, descriptor.num_spike
    spikes = torch.zeros(1, length, height, width)
    return Shot(torch.zeros(1, 3, ratio * height, ratio * width), spikes, Exposure(0, length))
