"""Which readouts to restore."""

import logging
from collections.abc import Sequence

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.restorers.checks import check_length

_log = logging.getLogger('spikereveal')


def spread(exposure: Exposure, count: int, window: int, num_readouts: int) -> tuple[int, ...]:
    """Return `count` readouts from the exposure's first to its last, moved inward as far as a window needs.

    Raises:
        SpikeDataError: they do not fit.
    """
    check_length(window, num_readouts)
    try:
        return exposure.instants(count, window, num_readouts)
    except ValueError as error:
        raise SpikeDataError(str(error)) from None


def at_fractions(exposure: Exposure, fractions: Sequence[float], window: int, num_readouts: int) -> tuple[int, ...]:
    """Return the readouts at fractions of the exposure: 0 its first, 0.5 its middle, 1 its last.

    One whose window leaves the stream moves inward, and the log says so.

    Raises:
        OptionError: a fraction leaves [0, 1].
        SpikeDataError: the stream is shorter than a window.
    """
    check_length(window, num_readouts)
    half, readouts = window // 2, []
    for fraction in fractions:
        if not 0 <= fraction <= 1:
            raise OptionError(f'--at {fraction}: expected a part of the exposure, from 0 to 1')
        exact = exposure.first + int(fraction * (exposure.length - 1) + 0.5)
        possible = min(max(exact, half), num_readouts - 1 - half)
        if possible != exact:
            _log.warning('--at %g: readout %d has not %d on each side; %d it is', fraction, exact, half, possible)
        readouts.append(possible)
    return tuple(readouts)
