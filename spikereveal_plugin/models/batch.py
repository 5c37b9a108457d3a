"""From a batch of BasicSR's loader to the shot that restorers see."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.density import normalise_density
from spikereveal_plugin.shot import Shot


def shot_of_batch(data: Mapping[str, Any], device: torch.device) -> Shot:
    """The shot of a batch: `lq` (B, 3, H, W), `spike` (B, T, h, w) and `exposure` (B, 2).

    Raises:
        SpikeDataError: samples of the batch were exposed differently.
    """
    blur = data['lq'].to(device, non_blocking=True)
    return Shot(blur, batch_spikes(data, device), batch_exposure(data['exposure']))


def recorded_shot(data: Mapping[str, Any], shot: Shot, device: torch.device) -> Shot:
    """The shot with its spikes as recorded, where the batch brings them (`recorded`) beside those that were spoilt."""
    if 'recorded' not in data:
        return shot
    ratios = {'density_ratio': data['recorded_density_ratio']} if 'recorded_density_ratio' in data else {}
    return replace(shot, spikes=batch_spikes({'spike': data['recorded'], **ratios}, device))


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
