"""The frozen teacher, BSN -> EDSR -> SDM (row I-3 of the paper's Table 3)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.models.frozen import all_arguments, frozen_network, weights_hash
from spikereveal_plugin.models.options import SpikeOptions
from spikereveal_plugin.models.scene import Scene, Shot
from spikereveal_plugin.options import parse_section
from spikereveal_plugin.physics.sdm import brightness_gain
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate

TEACHER_NETWORKS = ('network_bsn', 'network_sr')


class Teacher(nn.Module):
    """Pseudo labels `clip(B * EDSR(BSN(TFP_short(t))) / EDSR(TFP_long))`, each network's output clipped to [0, 1]."""

    def __init__(self, denoiser: nn.Module, upscaler: nn.Module, short_window: int) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.upscaler = upscaler
        self.short_window = short_window
        self.requires_grad_(False).eval()

    def short_rate(self, spikes: Tensor, instant: int) -> Tensor:
        """(B, 1, sH, sW): the firing rate around an instant, denoised and super-resolved."""
        denoised = self.denoiser(firing_rate(spikes, instant, self.short_window)).clamp(0, 1)
        return self.upscaler(denoised).clamp(0, 1)

    def long_rate(self, spikes: Tensor, exposure: Exposure) -> Tensor:
        """(B, 1, sH, sW): the firing rate over the exposure, super-resolved; the same for every instant."""
        return self.upscaler(exposure_rate(spikes, exposure)).clamp(0, 1)

    @torch.no_grad()
    def gains(self, spikes: Tensor, exposure: Exposure, instants: Iterable[int]) -> Iterator[Tensor]:
        """Yield (B, 1, sH, sW) for each instant, the factor of Eq. 8; the long rate is super-resolved once."""
        long_rate = self.long_rate(spikes, exposure)
        for instant in instants:
            yield brightness_gain(long_rate, self.short_rate(spikes, instant))

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        """Yield (B, 3, sH, sW) in [0, 1] for each instant."""
        return (apply_gain(shot.blur, gain) for gain in self.gains(shot.spikes, shot.exposure, instants))

    def forward(self, blur: Tensor, spikes: Tensor, exposure: Exposure, instants: Sequence[int]) -> Tensor:
        """Return (B, N, 3, sH, sW) in [0, 1] for N instants, from blur (B, 3, sH, sW) and spikes (B, T, H, W)."""
        return torch.stack([*self.frames(Shot(blur, spikes, exposure), instants)], dim=1)

    def restore(self, scene: Scene, instants: Sequence[int]) -> list[Tensor]:
        """The teacher as a restorer, one frame in memory at a time beside the results."""
        return list(self.frames(scene, instants))


def build_teacher(opt: Mapping[str, Any], device: torch.device) -> Teacher:
    """Build the teacher that an option file describes, with its weights.

    Raises:
        OptionError: a section or weights are missing, or do not fit.
    """
    denoiser, upscaler = (frozen_network(opt, key, device) for key in TEACHER_NETWORKS)
    return Teacher(denoiser, upscaler, parse_section(SpikeOptions, opt.get('spike') or {}, 'spike').short_window)


def teacher_origin(opt: Mapping[str, Any], teacher: Teacher) -> dict[str, Any]:
    """What makes a teacher this one: its networks' arguments and the hashes of their weights, and the short window."""
    networks = zip(TEACHER_NETWORKS, (teacher.denoiser, teacher.upscaler), strict=True)
    parts = {key: {**all_arguments(opt[key]), 'weights': weights_hash(network)} for key, network in networks}
    return {**parts, 'short_window': teacher.short_window}


def apply_gain(blur: Tensor, gain: Tensor) -> Tensor:
    """The teacher's frame (B, 3, sH, sW) in [0, 1], of a blurry image and its gain (B, 1, sH, sW) (Eq. 8)."""
    return (blur * gain).clamp(0, 1)
