"""One sample as validation sees it: a shot, and the sharp images to hold its frames against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from spikereveal_plugin.models.batch import shot_of_batch
from spikereveal_plugin.shot import Shot


@dataclass(frozen=True)
class ValidationSample:
    """A shot of one photo (B = 1)."""

    shot: Shot
    key: str
    sharp: Tensor | None = None
    """(1, 3, H, W): the middle of the exposure; None where it is not known"""
    sharp_sequence: Mapping[int, Tensor] = field(default_factory=dict)
    """(1, 3, H, W) by readout; empty where there is none"""


def sample_of_batch(data: Mapping[str, Any], device: torch.device) -> ValidationSample:
    """Make a sample of a validation batch, which BasicSR's loader makes of one item."""
    sequence = {}
    if 'gt_sequence' in data:
        frames = data['gt_sequence'][0].to(device)
        sequence = {int(t): frames[i : i + 1] for i, t in enumerate(data['gt_instants'][0])}
    sharp = data['gt'].to(device) if 'gt' in data else None
    return ValidationSample(shot_of_batch(data, device), data['lq_path'][0], sharp, sequence)
