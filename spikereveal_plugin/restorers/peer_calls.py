"""How the networks of other methods are asked for frames: one function a network, as its paper feeds it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.bit_arch import PHOTOS, BiT
from spikereveal_plugin.archs.levs_arch import LEVS
from spikereveal_plugin.archs.motion_etr_arch import MotionETR
from spikereveal_plugin.archs.red_arch import RED, SEGMENTS
from spikereveal_plugin.archs.refid_arch import REFID
from spikereveal_plugin.archs.spk_deblur_net_arch import SpkDeblurNet
from spikereveal_plugin.archs.trmd_arch import BINS, TRMD, frames_of_residuals
from spikereveal_plugin.physics.spike_inputs import scer, segments, voxel_grid, voxel_slices, window_interval_rate
from spikereveal_plugin.shot import Shot

FRAMES: Final = 7  # of the methods that give a fixed number: the sequence that the paper scores
Call = Callable[[Any, Shot, Sequence[int]], Tensor]


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a network wants and gives.

    Args:
        call: network, shot and instants to frames (1, N, 3, H, W), not clipped. The photo of the shot is as large as
            the network wants it, and padded, the spikes as well.
        multiple: of the photo's sides, or of the sensor's.
        is_small: the photo is brought to the sensor's size, and the frames are as large.
        frames: how many it gives, spread over the exposure; None: at any instant.
        photos: of the sequence, odd.
        sees_spikes: whether it sees any.
    """

    call: Call
    multiple: int = 1
    is_small: bool = False
    frames: int | None = None
    photos: int = 1
    sees_spikes: bool = True


def refid(network: REFID, shot: Shot, instants: Sequence[int]) -> Tensor:
    """Slices of a grid that has a frame's distance around the exposure where the stream has it (Sun et al. 2023)."""
    exposure = shot.exposure
    spacing = (exposure.length - 1) // (FRAMES - 1)
    has_margin = exposure.first >= spacing and exposure.last + spacing < shot.num_readouts
    grid = voxel_grid(shot.spikes, exposure, FRAMES + 1, spacing if has_margin else 0)
    return _chosen(network(shot.blur, voxel_slices(grid)), shot, instants)


def red(network: RED, shot: Shot, instants: Sequence[int]) -> Tensor:
    """Each colour apart, with the same spikes: RED is a network of gray photos (Xu et al. 2021)."""
    cut = segments(shot.spikes, shot.exposure, SEGMENTS)
    frames = network(shot.blur.transpose(0, 1), cut.expand(3, -1, -1, -1, -1))
    return _chosen(frames.transpose(0, 2), shot, instants)


def trmd(network: TRMD, shot: Shot, instants: Sequence[int]) -> Tensor:
    """Residuals to the middle frame, which the photo then gives (Chen & Yu 2024)."""
    residuals = network(shot.blur, scer(shot.spikes, shot.exposure, BINS)).clamp(-1, 1)
    return _chosen(frames_of_residuals(shot.blur, residuals), shot, instants)


def levs(network: LEVS, shot: Shot, instants: Sequence[int]) -> Tensor:
    """The photo alone (Jin et al. 2018)."""
    return _chosen(network(shot.blur), shot, instants)


def motion_etr(network: MotionETR, shot: Shot, instants: Sequence[int]) -> Tensor:
    """The photo alone, at times from -1 to 1 (Zhang et al. 2021)."""
    return network(shot.blur, 2 * _parts(shot, instants) - 1)


def bit(network: BiT, shot: Shot, instants: Sequence[int]) -> Tensor:
    """Three photos in BGR, at times from 0 to 1 (Zhong et al. 2023).

    Raises:
        ValueError: the shot has but one photo.
    """
    if shot.photos is None or shot.photos.shape[1] != PHOTOS:
        count = 1 if shot.photos is None else shot.photos.shape[1]
        raise ValueError(f'BiT needs {PHOTOS} photos of the sequence, before, now and after; there are {count}')
    frames, _ = network(shot.photos.flip(2), _parts(shot, instants)[None])
    return frames.flip(2)


def spk_deblur_net(network: SpkDeblurNet, shot: Shot, instants: Sequence[int]) -> Tensor:
    """The readouts around each instant, and their interval there times the threshold 1 (Chen et al. 2023)."""
    frames = []
    for instant in instants:
        window = shot.window(instant, network.num_spike).to(shot.blur.dtype)
        frames.append(network(shot.blur, window, window_interval_rate(window).to(window)).sharp)
    return torch.stack(frames, dim=1)


FORMS: dict[type[nn.Module], Form] = {
    REFID: Form(call=refid, multiple=8, is_small=True, frames=FRAMES),
    RED: Form(call=red, multiple=2, is_small=True, frames=FRAMES),
    TRMD: Form(call=trmd, multiple=8, is_small=True, frames=FRAMES),
    LEVS: Form(call=levs, multiple=20, frames=FRAMES, sees_spikes=False),
    MotionETR: Form(call=motion_etr, multiple=8, sees_spikes=False),
    BiT: Form(call=bit, photos=PHOTOS, sees_spikes=False),
    SpkDeblurNet: Form(call=spk_deblur_net, multiple=4),
}
"""By network."""


def _parts(shot: Shot, instants: Sequence[int]) -> Tensor:
    """(N,): instants as parts of the exposure, 0 its first readout and 1 its last."""
    span = max(1, shot.exposure.length - 1)
    return torch.tensor([(instant - shot.exposure.first) / span for instant in instants]).to(shot.blur)


def _chosen(frames: Tensor, shot: Shot, instants: Sequence[int]) -> Tensor:
    """Of frames that are spread over the exposure, those at instants."""
    possible = shot.exposure.instants(FRAMES, 1, shot.num_readouts)
    return frames[:, [possible.index(instant) for instant in instants]]
