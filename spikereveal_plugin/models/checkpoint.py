"""Checkpoints that are whole or not there: written beside, then renamed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from spikereveal_plugin.errors import SpikeRevealError


class CheckpointError(SpikeRevealError, OSError):
    """A checkpoint could not be written, such as on a full disk."""


def save_checkpoint(content: Mapping[str, Any], path: Path) -> None:
    """Write `content` with torch to `path`; an older file of that name stays until the new one is whole.

    Raises:
        CheckpointError: it could not be written.
    """
    partial = path.with_name(f'{path.name}.partial')
    try:
        torch.save(content, partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise CheckpointError(f'{path}: the checkpoint could not be written: {error}') from error
