"""The other methods of the paper's Table 1 as restorers, each followed by a super-resolver where it works small."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.archs.dasr_arch import DASR
from spikereveal_plugin.archs.spike_edsr_arch import SpikeEDSR
from spikereveal_plugin.archs.spk_deblur_net_arch import SpkDeblurNet
from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.restorers.kinds import RestorerOptions, register
from spikereveal_plugin.restorers.networks import weights_file
from spikereveal_plugin.restorers.peer_calls import FORMS
from spikereveal_plugin.restorers.restorer import Call, Capabilities, Restorer
from spikereveal_plugin.shot import Shot
from spikereveal_plugin.weights.network import Loaded, load_whole

UPSCALERS = (DASR, SpikeEDSR)


class Peer(Restorer):
    """A network of another method.

    Args:
        network: one of `FORMS`.
        upscaler: DASR, or SpikeEDSR for each colour; None enlarges small frames by bicubic interpolation.
        density: how dense the network wants spikes to be.

    Raises:
        OptionError: the network is none of them, or gives frames of full size that need no upscaler.
    """

    def __init__(self, network: nn.Module, upscaler: nn.Module | None = None, density: Density = AS_RECORDED) -> None:
        form = FORMS.get(type(network))
        if form is None:
            known = ', '.join(kind.__name__ for kind in FORMS)
            raise OptionError(f'{type(network).__name__} is none of the networks {known}')
        if upscaler is not None and not (form.is_small and isinstance(upscaler, UPSCALERS)):
            kinds = ' or '.join(kind.__name__ for kind in UPSCALERS)
            raise OptionError(f"then: expected {kinds} after a network of frames of the sensor's size")
        self.network, self.upscaler, self._form = network, upscaler, form
        self.capabilities = Capabilities(
            window=network.num_spike if isinstance(network, SpkDeblurNet) else 1,
            photos=form.photos,
            sees_spikes=form.sees_spikes,
            ratio=RATIO if form.sees_spikes else None,
            instants=form.frames or 'free',
            density=density,
        )
        if form.is_small:
            self.remark = f'{type(network).__name__} works at the size of the sensor; then {self._then}'

    @property
    def _then(self) -> str:
        return 'bicubic interpolation' if self.upscaler is None else type(self.upscaler).__name__

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {'network_g': self.network, **({'network_sr': self.upscaler} if self.upscaler else {})}

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        """Yield the frames.

        Raises:
            SpikeDataError: the network cannot take this shot.
        """
        seen = self._seen(shot)
        try:
            frames = self._form.call(self.network, seen, instants)
        except ValueError as error:
            raise SpikeDataError(str(error)) from None
        for frame in frames.unbind(1):
            yield self._whole(frame, shot).clamp(0, 1)

    def _seen(self, shot: Shot) -> Shot:
        """The shot as large as the network wants it, grown to whole multiples by reflection."""
        if not self._form.is_small:
            return _grown(shot, self._form.multiple)
        size = shot.grid or tuple(shot.spikes.shape[-2:])
        small = F.interpolate(shot.blur, size=size, mode='bilinear', align_corners=False)  # as frames became spikes
        spikes = shot.spikes if size == tuple(shot.spikes.shape[-2:]) else F.interpolate(shot.spikes.float(), size=size)
        return _grown(replace(shot, blur=small, spikes=spikes, grid=None), self._form.multiple)

    def _whole(self, frame: Tensor, shot: Shot) -> Tensor:
        """A frame (B, 3, H, W) of the photo's size."""
        height, width = shot.size
        if not self._form.is_small:
            return frame[..., :height, :width]
        rows, columns = shot.grid or shot.spikes.shape[-2:]
        small = frame[..., :rows, :columns].clamp(0, 1)
        if self.upscaler is None:
            return F.interpolate(small, size=(height, width), mode='bicubic', align_corners=False)
        if isinstance(self.upscaler, SpikeEDSR):
            large = self.upscaler(small.flatten(0, 1)[:, None]).unflatten(0, small.shape[:2]).squeeze(2)
        else:
            large = self.upscaler(small)
        return large[..., :height, :width]

    def calls(self, shot: Shot) -> tuple[Call, ...]:
        return ()


def _grown(shot: Shot, multiple: int) -> Shot:
    """The shot with its photos, and spikes of their size, grown at the right and at the bottom."""
    photos = (
        None
        if shot.photos is None
        else _reflected(shot.photos.flatten(0, 1), multiple).unflatten(0, shot.photos.shape[:2])
    )
    is_small = shot.spikes.shape[-2:] == shot.blur.shape[-2:]
    spikes = _reflected(shot.spikes.float(), multiple) if is_small and multiple > 1 else shot.spikes
    return replace(shot, blur=_reflected(shot.blur, multiple), photos=photos, spikes=spikes)


def _reflected(x: Tensor, multiple: int) -> Tensor:
    rows, columns = (-side % multiple for side in x.shape[-2:])
    if not (rows or columns):
        return x
    fits = rows < x.shape[-2] and columns < x.shape[-1]
    return F.pad(x, (0, columns, 0, rows), mode='reflect' if fits else 'replicate')


@register('peer')
@dataclass(frozen=True, kw_only=True)
class PeerOptions(RestorerOptions):
    """`type: peer`: another method of Table 1, by weights that `spikereveal weights import` made or training gave."""

    weights: str
    """a file with a card that names its network"""
    then: str | None = None
    """weights of DASR, or of SpikeEDSR for each colour, after a network that works at the sensor's size; ~: bicubic"""

    def build(self, device: torch.device) -> Restorer:
        loaded = self._load(self.weights, device)
        upscaler = self._load(self.then, device).network if self.then else None
        return Peer(loaded.network, upscaler, loaded.card.wants)

    def _load(self, weights: str, device: torch.device) -> Loaded:
        loaded = load_whole(weights)
        loaded.network.requires_grad_(False).to(device)
        return loaded

    def files(self) -> tuple[Path, ...]:
        named: dict[str, Any] = {'weights': self.weights, 'then': self.then}
        return tuple(weights_file(value, where) for where, value in named.items() if value)
