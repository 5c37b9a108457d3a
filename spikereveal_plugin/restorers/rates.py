"""Spikes alone as pictures, TFP and TFI, with the photo's brightness and colours."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spikereveal_plugin.defaults import SHORT_WINDOW
from spikereveal_plugin.physics.colour import colourise
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.physics.sdm import upsample_rate
from spikereveal_plugin.physics.tfp import check_window, inter_spike_rate
from spikereveal_plugin.restorers.kinds import RestorerOptions, odd_window, register
from spikereveal_plugin.restorers.restorer import Capabilities, Restorer
from spikereveal_plugin.shot import Shot

_HOW = (
    "up-sampled bilinearly, scaled by mean(gray(photo)) / mean(firing rate of the exposure), times the photo's colour "
    'over its gray; its chroma is as blurry as the photo'
)


class _Rate(Restorer):
    """Shows a rate of spikes, up-sampled bilinearly, in the photo's brightness and colours (physics/colour.py)."""

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        threshold = observed_threshold(shot.blur, shot.long_rate)
        for instant in instants:
            rate = upsample_rate(self.rate(shot, instant), *shot.size)
            yield colourise(rate, shot.blur, threshold).clamp(0, 1)

    @abstractmethod
    def rate(self, shot: Shot, instant: int) -> Tensor:
        """(B, 1, h, w): the rate at an instant."""


class Tfp(_Rate):
    """Texture from playback: the firing rate of a short window.

    Args:
        short_window: readouts of it, odd.

    Raises:
        ValueError: `short_window` is not odd and positive.
    """

    def __init__(self, short_window: int) -> None:
        self.short_window = check_window(short_window)
        self.capabilities = Capabilities(window=short_window)
        self.remark = f'firing rate of {short_window} readouts, {_HOW}'

    def rate(self, shot: Shot, instant: int) -> Tensor:
        return shot.short_rate(instant, self.short_window)


class Tfi(_Rate):
    """Texture from inter-spike interval: the inverse interval between the two spikes around an instant."""

    remark = f'inverse interval between two spikes, {_HOW}'

    def rate(self, shot: Shot, instant: int) -> Tensor:
        return inter_spike_rate(shot.spikes, instant)


@register('tfp')
@dataclass(frozen=True, kw_only=True)
class TfpOptions(RestorerOptions):
    """`type: tfp`: the firing rate of a short window as a picture."""

    short_window: int = SHORT_WINDOW
    """readouts of the window, odd"""

    def build(self, device: torch.device) -> Tfp:
        return Tfp(odd_window(self.short_window))


@register('tfi')
@dataclass(frozen=True, kw_only=True)
class TfiOptions(RestorerOptions):
    """`type: tfi`: the inverse interval between two spikes as a picture."""

    def build(self, device: torch.device) -> Tfi:
        return Tfi()
