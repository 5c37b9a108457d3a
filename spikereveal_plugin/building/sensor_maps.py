"""Per-pixel maps of a real sensor in an `.npz`: SpikeNeRF's (`Nl`, `Nd`, `D_light`), or `response` and `dark`."""

from pathlib import Path

import numpy as np
import torch

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.array_file import load_arrays
from spikereveal_plugin.physics.fixed_pattern import FixedPattern, spikenerf_pattern

SPIKENERF_KEYS = ('Nl', 'Nd', 'D_light')
OWN_KEYS = ('response', 'dark')


def load_pattern(path: Path) -> FixedPattern:
    """Read how a sensor's pixels differ.

    Args:
        path: an `.npz` of (h, w) maps: `Nl`, `Nd` and `D_light`, as SpikeNeRF (CVPR 2024) publishes for its camera, or
            `response` (1 for the average pixel) and `dark` (in units of full light in one readout).

    Raises:
        SpikeDataError: the file is missing, no `.npz`, has other keys, or holds impossible maps.
    """
    arrays = load_arrays(path)
    try:
        maps = {name: torch.from_numpy(array.astype(np.float64)) for name, array in arrays.items()}
        if all(key in maps for key in SPIKENERF_KEYS):
            return spikenerf_pattern(*(maps[key] for key in SPIKENERF_KEYS))
        if all(key in maps for key in OWN_KEYS):
            return FixedPattern(*(maps[key] for key in OWN_KEYS))
    except (ValueError, TypeError, RuntimeError) as error:
        raise SpikeDataError(f'{path}: {error}') from None
    raise SpikeDataError(
        f'{path}: expected the arrays {", ".join(SPIKENERF_KEYS)} or {", ".join(OWN_KEYS)}, '
        f'found {", ".join(sorted(maps)) or "none"}'
    )


def save_pattern(path: Path, pattern: FixedPattern) -> None:
    """Write `response` and `dark`, to be read by `load_pattern`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, response=pattern.response.numpy(), dark=pattern.dark.numpy())
