"""Checks that every writer of spikes shares."""

from typing import Any

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError


def checked_spikes(spikes: npt.NDArray[Any], where: str) -> npt.NDArray[np.bool_]:
    """Return spikes as booleans, or say why they are none.

    Args:
        spikes: (T, h, w), bool or numbers that are all 0 or 1.
        where: what to name in an error.

    Returns:
        (T, h, w) bool; `spikes` itself where it was bool.

    Raises:
        SpikeDataError: `spikes` is not a (T, h, w) array with sizes of 1 or more, or holds another value than 0 and 1.
    """
    if spikes.ndim != 3 or 0 in spikes.shape:
        raise SpikeDataError(f'{where}: spikes must be (T, h, w) with sizes of 1 or more, got shape {spikes.shape}')
    if spikes.dtype == np.bool_:
        return spikes
    if not np.issubdtype(spikes.dtype, np.number):
        raise SpikeDataError(f'{where}: spikes must be bool or numbers, got {spikes.dtype}')
    fired = spikes == 1
    stray = spikes[~fired & (spikes != 0)]
    if stray.size:
        raise SpikeDataError(f'{where}: spikes must be 0 or 1, got {stray.size} other values such as {stray[0]}')
    return fired


def checked_span(name: str, start: int, stop: int, size: int, where: str) -> None:
    """Refuse a crop [start, stop) along one axis that is empty or leaves the axis.

    Raises:
        SpikeDataError: 0 <= start < stop <= size does not hold.
    """
    if not 0 <= start < stop <= size:
        raise SpikeDataError(f'{where}: {name} [{start}, {stop}) is empty or leaves [0, {size})')
