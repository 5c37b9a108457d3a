"""Checkpoints that are whole or not there: written beside, then renamed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.formats.space import check_space
from spikereveal_plugin.formats.system_error import reason

ROOM = 2**20


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
        raise CheckpointError(f'{path}: the checkpoint could not be written: {_reason(error, path)}') from error


def _reason(error: OSError | RuntimeError, path: Path) -> str:
    """What the system says; torch keeps it to itself."""
    try:
        check_space(path, ROOM)
    except OSError as known:
        return reason(known)
    return reason(error) if isinstance(error, OSError) else ' '.join(str(error).split())
