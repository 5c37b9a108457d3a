"""What a shot must be, said before any work is done."""

from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.shot import Shot

_SURE = 0.3  # correlation below which neither orientation is believed
_CLEARLY = 0.1  # by which another orientation must be better


def check_instants(instants: Sequence[int], window: int, num_readouts: int) -> None:
    """Refuse no instant at all, or one whose window leaves the stream.

    Raises:
        SpikeDataError: naming the instants that are possible.
    """
    check_length(window, num_readouts)
    half = window // 2
    if len(instants) == 0:
        raise SpikeDataError('instants: expected at least one readout index')
    for instant in instants:
        if not isinstance(instant, int | np.integer) or not half <= instant < num_readouts - half:
            raise SpikeDataError(
                f'instant {instant}: expected a whole number from {half} to {num_readouts - half - 1}; a frame needs '
                f'{half} readouts before and after it, and the stream has {num_readouts}'
            )


def check_spread(instants: Sequence[int], count: int, shot: Shot) -> tuple[int, ...]:
    """Refuse an instant that a restorer of `count` frames, spread over the exposure, cannot give.

    Returns:
        The readouts of its frames.

    Raises:
        SpikeDataError: naming the instants that are possible.
    """
    try:
        possible = shot.exposure.instants(count, 1, shot.num_readouts)
    except ValueError as error:
        raise SpikeDataError(str(error)) from None
    for instant in instants:
        if instant not in possible:
            raise SpikeDataError(
                f'instant {instant}: expected one of {", ".join(map(str, possible))}: this method gives {count} '
                'frames, spread over the exposure'
            )
    return possible


def check_length(window: int, num_readouts: int) -> None:
    """Refuse a stream that is shorter than the window around an instant.

    Raises:
        SpikeDataError: saying how long both are.
    """
    if num_readouts < window:
        raise SpikeDataError(
            f'the stream has {num_readouts} readout(s); a frame needs {window}, {window // 2} on each side of its '
            'instant: is the sensor size right, or the recording cut short?'
        )


def check_light(long_rate: Tensor) -> None:
    """Refuse an exposure of which the spikes tell nothing.

    Args:
        long_rate: (1, 1, h, w), firing rate over the exposure.

    Raises:
        SpikeDataError: no pixel fired, or every pixel fired at every readout.
    """
    if float(long_rate.max()) == 0:
        raise SpikeDataError('no spike fell during the exposure; was the lens covered, or is the exposure wrong?')
    if float(long_rate.min()) == 1:
        raise SpikeDataError(
            'every pixel fired at every readout of the exposure: the spike camera is saturated; record with a higher '
            'threshold or less light'
        )


def check_orientation(blur: Tensor, long_rate: Tensor) -> None:
    """Refuse spikes that match the photo better when they are flipped.

    The photo's gray and the firing rate over the exposure show the same scene (Eq. 5), so they correlate.

    Args:
        blur: (1, 3, H, W), in [0, 1].
        long_rate: (1, 1, h, w), firing rate over the exposure.

    Raises:
        SpikeDataError: a flipped rate correlates clearly better.
    """
    light = F.interpolate(gray(blur), size=tuple(long_rate.shape[2:]), mode='area')
    straight = _correlation(light, long_rate)
    flips = {'upside down': [2], 'mirrored': [3], 'turned by 180 degrees': [2, 3]}
    scores = {name: _correlation(light, long_rate.flip(axes)) for name, axes in flips.items()}
    highest = max(scores.values())
    name, best = next((name, score) for name, score in scores.items() if score > highest - _CLEARLY)  # the plainest
    if best > _SURE and best > straight + _CLEARLY:
        raise SpikeDataError(
            f'the spikes look {name}: their correlation with the photo is {straight:.2f} as they are and {best:.2f} '
            f'{name}; a .dat that was written top row first needs --no-flip (flip=False), and spikes that are right as '
            'they are --no-check (check=False)'
        )


def _correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's, 0 where one of the two is constant."""
    a, b = a.double() - a.double().mean(), b.double() - b.double().mean()
    norm = float(a.norm() * b.norm())
    return float((a * b).sum()) / norm if norm > 0 else 0.0
