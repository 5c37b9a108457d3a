"""SDM with bilinear up-sampling (Eq. 8; rows I-1 and, with BSN, I-2 of the paper's Table 3)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.tapered_sdm_arch import TaperedSDM
from spikereveal_plugin.defaults import RATIO, SHORT_WINDOW
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.physics.sdm import spike_guided_deblur, upsample_rate
from spikereveal_plugin.physics.tfp import check_window
from spikereveal_plugin.restorers.kinds import RestorerOptions, odd_window, register
from spikereveal_plugin.restorers.restorer import Call, Capabilities, Restorer
from spikereveal_plugin.restorers.student import OneByOne
from spikereveal_plugin.shot import Shot


class Sdm(Restorer):
    """`blur * short rate / long rate`.

    Args:
        short_window: readouts of the short rate, odd.
        denoiser: what the short rate goes through first, such as BSN (Eq. 9); it maps (B, 1, h, w) to itself.
        density: how dense the denoiser wants spikes to be.

    Raises:
        ValueError: `short_window` is not odd and positive.
    """

    def __init__(self, short_window: int, denoiser: nn.Module | None = None, density: Density = AS_RECORDED) -> None:
        self.short_window, self.denoiser = check_window(short_window), denoiser
        self.capabilities = Capabilities(window=short_window, ratio=RATIO, density=density)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {} if self.denoiser is None else {'network_bsn': self.denoiser}

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        long_rate = upsample_rate(shot.long_rate, *shot.size)
        for instant in instants:
            short_rate = shot.short_rate(instant, self.short_window)
            if self.denoiser is not None:
                short_rate = self.denoiser(short_rate).clamp(0, 1)
            yield spike_guided_deblur(shot.blur, long_rate, upsample_rate(short_rate, *shot.size)).clamp(0, 1)

    def calls(self, shot: Shot) -> tuple[Call, ...]:
        return tuple((network, (blank_rate(shot),)) for network in self.networks.values())


def blank_rate(shot: Shot) -> Tensor:
    """Return zeros as large as a shot's rate, (1, 1, h, w)."""
    return torch.zeros(1, 1, *(shot.grid or shot.spikes.shape[-2:]))


@register('sdm')
@dataclass(frozen=True, kw_only=True)
class SdmOptions(RestorerOptions):
    """`type: sdm`: SDM with bilinear up-sampling, which needs no weights."""

    short_window: int = SHORT_WINDOW
    """readouts of the short rate, all of one weight, odd"""
    sigma: float | None = None
    """in place of `short_window`: a tapered window (`TaperedSDM`), a Gaussian of so many readouts, at the density of
    threshold 1; on footage 4 was best at threshold 1, 6 at 2 and 10 at 4"""

    def __post_init__(self) -> None:
        if self.sigma is not None and self.short_window != SdmOptions.short_window:
            raise OptionError('sdm: give short_window, or sigma for a tapered window')

    def build(self, device: torch.device) -> Restorer:
        if self.sigma is None:
            return Sdm(odd_window(self.short_window))
        try:
            return OneByOne(TaperedSDM(sigma=self.sigma), Density('auto'))
        except ValueError as error:
            raise OptionError(f'sigma: {error}') from None
