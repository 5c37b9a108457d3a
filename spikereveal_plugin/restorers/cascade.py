"""The published cascade, BSN, then EDSR, then SDM (row I-3 of the paper's Table 3): the student's teacher."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.defaults import SHORT_WINDOW
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.physics.sdm import brightness_gain
from spikereveal_plugin.physics.tfp import check_window
from spikereveal_plugin.restorers.kinds import DensityOptions, odd_window, register
from spikereveal_plugin.restorers.networks import load_frozen, weights_file
from spikereveal_plugin.restorers.restorer import Call, Capabilities, Restorer
from spikereveal_plugin.restorers.sdm import Sdm, blank_rate
from spikereveal_plugin.shot import Shot
from spikereveal_plugin.weights.network import Loaded

PARTS = {'BSN': 'bsn', 'SpikeEDSR': 'sr'}  # networks by the options that name their weights


class Cascade(Restorer):
    """`clip(B * EDSR(BSN(TFP_short(t))) / EDSR(TFP_long))`, each network's output clipped to [0, 1].

    Args:
        denoiser: BSN; frozen from here on.
        upscaler: SpikeEDSR; frozen from here on.
        short_window: readouts of TFP_short, odd.
        density: how dense the networks want spikes to be.
    """

    def __init__(
        self, denoiser: nn.Module, upscaler: nn.Module, short_window: int, density: Density = AS_RECORDED
    ) -> None:
        self.denoiser, self.upscaler = (net.requires_grad_(False).eval() for net in (denoiser, upscaler))
        self.short_window = check_window(short_window)
        self.capabilities = Capabilities(window=short_window, ratio=describe(upscaler).upscale, density=density)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {'network_bsn': self.denoiser, 'network_sr': self.upscaler}

    def short_rate(self, shot: Shot, instant: int) -> Tensor:
        """(B, 1, H, W): the firing rate around an instant, denoised and super-resolved."""
        denoised = self.denoiser(shot.short_rate(instant, self.short_window)).clamp(0, 1)
        return self.upscaler(denoised).clamp(0, 1)

    def long_rate(self, shot: Shot) -> Tensor:
        """(B, 1, H, W): the firing rate over the exposure, super-resolved; the same for every instant."""
        return self.upscaler(shot.long_rate).clamp(0, 1)

    @torch.no_grad()
    def gains(self, shot: Shot, instants: Iterable[int]) -> Iterator[Tensor]:
        """Yield (B, 1, H, W) for each instant, the factor of Eq. 8; the long rate is super-resolved once."""
        long_rate = self.long_rate(shot)
        for instant in instants:
            yield brightness_gain(long_rate, self.short_rate(shot, instant))

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        return (apply_gain(shot.blur, gain) for gain in self.gains(shot, instants))

    def calls(self, shot: Shot) -> tuple[Call, ...]:
        rate = blank_rate(shot)
        return (self.denoiser, (rate,)), (self.upscaler, (rate,)), (self.upscaler, (rate,))


def apply_gain(blur: Tensor, gain: Tensor) -> Tensor:
    """The teacher's frame (B, 3, H, W) in [0, 1], of a blurry image and its gain (B, 1, H, W) (Eq. 8)."""
    return (blur * gain).clamp(0, 1)


@register('sdm_bsn')
@dataclass(frozen=True, kw_only=True)
class SdmBsnOptions(DensityOptions):
    """`type: sdm_bsn`: SDM whose short window BSN denoises (row I-2)."""

    bsn: str
    """weights of BSN, a file or a registered name"""
    network_bsn: Mapping[str, Any] | None = None
    """arguments of BSN, where its weights do not say them"""
    short_window: int = SHORT_WINDOW
    """readouts of the short rate, odd"""

    def build(self, device: torch.device) -> Restorer:
        denoiser = load_part('BSN', self.network_bsn, self.bsn, device)
        return Sdm(odd_window(self.short_window), denoiser.network, self.wants(denoiser))

    def files(self) -> tuple[Path, ...]:
        return (weights_file(self.bsn, 'bsn'),)


@register('teacher')
@dataclass(frozen=True, kw_only=True)
class TeacherOptions(SdmBsnOptions):
    """`type: teacher`: BSN, SpikeEDSR and SDM (row I-3)."""

    sr: str
    """weights of SpikeEDSR, a file or a registered name"""
    network_sr: Mapping[str, Any] | None = None
    """arguments of SpikeEDSR, where its weights do not say them"""

    def build(self, device: torch.device) -> Restorer:
        denoiser = load_part('BSN', self.network_bsn, self.bsn, device)
        upscaler = load_part('SpikeEDSR', self.network_sr, self.sr, device)
        wants = self.wants(denoiser, upscaler)
        return Cascade(denoiser.network, upscaler.network, odd_window(self.short_window), wants)

    def files(self) -> tuple[Path, ...]:
        return *super().files(), weights_file(self.sr, 'sr')


def load_part(kind: str, arguments: Mapping[str, Any] | None, weights: str, device: torch.device) -> Loaded:
    """Load BSN or SpikeEDSR, in the memory format that they are fastest in; raises as `load_frozen`."""
    name = PARTS[kind]
    path = weights_file(weights, name, kind)
    loaded = load_frozen({'type': kind, **(arguments or {})}, f'network_{name}', path, device)
    loaded.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return loaded
