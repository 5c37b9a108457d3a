"""One sample as the restorers and the scores see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.density import normalise_density


@dataclass(frozen=True)
class Shot:
    """What a student needs: blurry images (B, 3, H, W) in [0, 1], spikes (B, T, h, w), and the exposure in them."""

    blur: Tensor
    spikes: Tensor
    exposure: Exposure


@dataclass(frozen=True)
class Scene(Shot):
    """One sample, B = 1: also its key and, where known, sharp images (1, 3, H, W)."""

    key: str
    sharp: Tensor | None
    sharp_sequence: dict[int, Tensor]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.blur.shape[-2], self.blur.shape[-1]


# A restorer returns one (1, 3, H, W) frame in [0, 1] for each instant (readout index).
Restorer = Callable[[Scene, Sequence[int]], list[Tensor]]


def batch_exposure(exposure: Tensor) -> Exposure:
    """The one exposure of a batch; `exposure` is the collated (B, 2) of first readout and length.

    Raises:
        SpikeDataError: samples of the batch were exposed differently.
    """
    if not torch.equal(exposure, exposure[:1].expand_as(exposure)):
        raise SpikeDataError(f'samples of one batch have different exposures: {exposure.tolist()}; train on one kind')
    first, length = exposure[0].tolist()
    return Exposure(first, length)


def batch_spikes(data: Mapping[str, Any], device: torch.device) -> Tensor:
    """(B, T, h, w) of a batch; where it says `density_ratio` (B,), floating, and each sample so many times as dense."""
    spikes: Tensor = data['spike'].to(device, non_blocking=True)
    if 'density_ratio' not in data:
        return spikes
    ratios = data['density_ratio'].tolist()
    return torch.cat([normalise_density(s[None].float(), r) for s, r in zip(spikes, ratios, strict=True)])


def recorded_shot(data: Mapping[str, Any], shot: Shot, device: torch.device) -> Shot:
    """The shot with its spikes as recorded, where the batch brings them (`recorded`) beside those that were spoilt."""
    if 'recorded' not in data:
        return shot
    ratios = {'density_ratio': data['recorded_density_ratio']} if 'recorded_density_ratio' in data else {}
    return replace(shot, spikes=batch_spikes({'spike': data['recorded'], **ratios}, device))


def scene_from_batch(data: dict[str, Any], device: torch.device) -> Scene:
    """Make a scene of a validation batch, which BasicSR's loader makes of one item."""
    sequence = {}
    if 'gt_sequence' in data:
        frames = data['gt_sequence'][0].to(device)
        sequence = {int(t): frames[i : i + 1] for i, t in enumerate(data['gt_instants'][0])}
    return Scene(
        key=data['lq_path'][0],
        blur=data['lq'].to(device),
        spikes=batch_spikes(data, device),
        exposure=batch_exposure(data['exposure']),
        sharp=data['gt'].to(device) if 'gt' in data else None,
        sharp_sequence=sequence,
    )
