"""Brightness from spikes: texture from playback (counts) and from inter-spike intervals."""

import torch
from torch import Tensor

from spikereveal_plugin.exposure import Exposure


def check_window(length: int) -> int:
    """Return the readouts of a window.

    Raises:
        ValueError: they are not odd and positive.
    """
    if length < 1 or length % 2 == 0:
        raise ValueError(f'a window must be odd and positive to have a centre, got {length}')
    return length


def spike_window(spikes: Tensor, instant: int, length: int) -> Tensor:
    """Cut the readouts centred on an instant.

    Args:
        spikes: (B, T, h, w).
        instant: readout index of the window's centre.
        length: readouts in the window, odd.

    Returns:
        (B, length, h, w), a view.

    Raises:
        ValueError: `length` is even, or the window leaves the stream.
    """
    check_window(length)
    first = instant - length // 2
    return _readouts(spikes, first, first + length, 'window')


def firing_rate(spikes: Tensor, instant: int, length: int) -> Tensor:
    """Average the readouts centred on an instant: TFP(S, t, n).

    Args:
        spikes: (B, T, h, w) of 0 and 1, of any type.
        instant: readout index of the window's centre.
        length: readouts in the window, odd.

    Returns:
        (B, 1, h, w) in [0, 1]; float32, or the type of `spikes` where that is floating.

    Raises:
        ValueError: `length` is even, or the window leaves the stream.
    """
    return _rate(spike_window(spikes, instant, length))


def exposure_rate(spikes: Tensor, exposure: Exposure) -> Tensor:
    """Average the readouts of the whole exposure: TFP_long.

    Args:
        spikes: (B, T, h, w) of 0 and 1, of any type.
        exposure: the readouts to average; an even number is fine.

    Returns:
        (B, 1, h, w) in [0, 1]; float32, or the type of `spikes` where that is floating.

    Raises:
        ValueError: the exposure leaves the stream.
    """
    return _rate(_readouts(spikes, exposure.first, exposure.stop, 'exposure'))


def inter_spike_rate(spikes: Tensor, instant: int) -> Tensor:
    """Invert the interval between the two spikes around an instant: texture from inter-spike interval, TFI.

    Args:
        spikes: (B, T, h, w) of 0 and 1, of any type.
        instant: readout index; a spike at it counts as the one before.

    Returns:
        (B, 1, h, w) float32 in [0, 1]; 0 where no spike comes before, or none after.

    Raises:
        ValueError: the instant leaves the stream.
    """
    _readouts(spikes, instant, instant + 1, 'instant')
    before = _readouts_to_spike(spikes[:, : instant + 1].flip(1))
    after = _readouts_to_spike(spikes[:, instant + 1 :])
    enclosed = (before >= 0) & (after >= 0)
    return torch.where(enclosed, 1 / (before + after + 1).float(), 0.0)


def _readouts_to_spike(spikes: Tensor) -> Tensor:
    """Return how many readouts pass before each pixel's first spike, (B, 1, h, w), -1 where there is none.

    Readout by readout, since most pixels fire soon.
    """
    batch, num_readouts, height, width = spikes.shape
    waited = torch.full((batch, 1, height, width), -1, dtype=torch.int32, device=spikes.device)
    for passed in range(num_readouts):
        silent = waited < 0
        if not silent.any():
            break
        waited[silent & (spikes[:, passed : passed + 1] != 0)] = passed
    return waited


def _readouts(spikes: Tensor, first: int, stop: int, name: str) -> Tensor:
    """Cut readouts [first, stop), or say what leaves the stream."""
    if spikes.dim() != 4:
        raise ValueError(f'spikes must be (B, T, h, w), got shape {tuple(spikes.shape)}')
    if first < 0 or stop > spikes.shape[1]:
        raise ValueError(f'{name} [{first}, {stop - 1}] leaves the stream of {spikes.shape[1]} readouts')
    return spikes[:, first:stop]


def _rate(window: Tensor) -> Tensor:
    """Average (B, N, h, w) over N, in floats."""
    dtype = window.dtype if window.is_floating_point() else torch.float32
    return window.mean(dim=1, keepdim=True, dtype=dtype)
