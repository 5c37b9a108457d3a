"""What a student is called with, and the frames it gives."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.models.scene import Shot
from spikereveal_plugin.physics.tfp import exposure_rate, spike_window


def student_frames(student: nn.Module, network: nn.Module, shot: Shot, instants: Sequence[int]) -> Tensor:
    """Return (B, N, 3, sH, sW), not clipped: a student at N instants, its branch of the photo run once.

    Args:
        student: what to call, the network itself or what wraps it to train it.
        network: the student without its wrapping, which has `num_spike` and may say `takes_long_rate`.
        shot: photo, spikes and exposure.
        instants: readouts.
    """
    length = int(network.num_spike)  # type: ignore[arg-type]
    windows = torch.stack([spike_window(shot.spikes, t, length) for t in instants], dim=1)
    asked = [exposure_rate(shot.spikes, shot.exposure)] if 'long_rate' in describe(network).inputs else []
    frames: Tensor = student(shot.blur, windows.to(shot.blur.dtype), *asked)
    return frames
