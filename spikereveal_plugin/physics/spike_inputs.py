"""Spikes as networks of events take them, by the names of their papers: numbers of spikes in parts of the exposure.

A spike counts as an event of positive polarity. All functions take (B, T, h, w) of 0 and 1 and an exposure, and give
float32.
"""

from itertools import pairwise

import torch
from torch import Tensor

from spikereveal_plugin.exposure import Exposure

INTERVAL_REACH = 50  # readouts after which SpkDeblurNet's TFI takes an interval for endless


def voxel_grid(spikes: Tensor, exposure: Exposure, bins: int, margin: int = 0) -> Tensor:
    """Spread spikes over bins of time, linearly between the two nearest (REFID; Zhu et al. 2019).

    Args:
        spikes: as above.
        exposure: of the photo.
        bins: of the grid, 2 or more; the first and last readouts of the span are the first and last bins' own.
        margin: readouts before and after the exposure that belong to the span too.

    Returns:
        (B, bins, h, w).

    Raises:
        ValueError: the span leaves the stream, or `bins` is below 2.
    """
    first, last = exposure.first - margin, exposure.last + margin
    if bins < 2:
        raise ValueError(f'voxel grid: expected 2 or more bins, got {bins}')
    _check_span(first, last, spikes)
    if last == first:
        raise ValueError('voxel grid: a span of one readout has no time to be cut')
    place = (bins - 1) * torch.arange(last - first + 1, dtype=torch.float64) / (last - first)
    weights = (1 - (place[None] - torch.arange(bins)[:, None]).abs()).clamp(min=0).to(spikes.device, torch.float32)
    return torch.einsum('nt,bthw->bnhw', weights, spikes[:, first : last + 1].float())


def voxel_slices(grid: Tensor) -> Tensor:
    """Return (B, bins - 1, 2, h, w): neighbouring bins of a grid, a slice for each frame (REFID)."""
    return torch.stack((grid[:, :-1], grid[:, 1:]), dim=2)


def segments(spikes: Tensor, exposure: Exposure, count: int) -> Tensor:
    """Cut the exposure into segments of counts and times (RED).

    Segment k has the readouts after instant k up to instant k + 1, of `count` + 1 instants spread over the exposure.

    Args:
        spikes: as above.
        exposure: of more readouts than there are segments.
        count: of segments.

    Returns:
        (B, count, 4, h, w): spikes that fell, 0, the time of the last one as a part of the latest such time in the
        segment, 0: the channels of both polarities, of which spikes have one.

    Raises:
        ValueError: the exposure is too short, or leaves the stream.
    """
    _check_span(exposure.first, exposure.last, spikes)
    if exposure.length <= count:
        raise ValueError(f'segments: an exposure of {exposure.length} readouts cannot be cut into {count}')
    borders = [exposure.first + round(k * (exposure.length - 1) / count) for k in range(count + 1)]
    parts = [spikes[:, begin + 1 : end + 1].float() for begin, end in pairwise(borders)]
    return torch.stack([_segment(part) for part in parts], dim=1)


def _segment(part: Tensor) -> Tensor:
    clock = torch.arange(1, part.shape[1] + 1, device=part.device, dtype=torch.float32)[:, None, None]
    latest = (part * clock).amax(1)
    most = latest.amax((1, 2), keepdim=True)
    none = torch.zeros_like(latest)
    return torch.stack((part.sum(1), none, latest / torch.where(most > 0, most, 1), none), dim=1)


def scer(spikes: Tensor, exposure: Exposure, bins: int) -> Tensor:
    """Add up spikes outward from the middle of the exposure, those before it with a minus (TRMD's SCER).

    Args:
        spikes: as above.
        exposure: of the photo.
        bins: an even number.

    Returns:
        (B, bins, h, w): bins before the middle, from all of them to the last one, negative; then from the first after
        it to all of them.

    Raises:
        ValueError: `bins` is odd, or the exposure leaves the stream.
    """
    _check_span(exposure.first, exposure.last, spikes)
    if bins < 2 or bins % 2:
        raise ValueError(f'SCER: expected an even number of bins, got {bins}')
    readout = torch.arange(exposure.length)
    bin_of = (readout * bins // max(1, exposure.length - 1)).clamp(max=bins - 1)
    member = (bin_of[None] == torch.arange(bins)[:, None]).to(spikes.device, torch.float32)
    counts = torch.einsum('nt,bthw->bnhw', member, spikes[:, exposure.first : exposure.stop].float())
    before, after = counts.split(bins // 2, dim=1)
    return torch.cat((-before.flip(1).cumsum(1).flip(1), after.cumsum(1)), dim=1)


def window_interval_rate(window: Tensor, threshold: float = 1.0) -> Tensor:
    """Return the firing rate at the middle of a window by the interval between two spikes (SpkDeblurNet's TFI).

    The last spike up to the middle readout and the first after it are sought; where there is none within 49 and 50
    readouts, or in the window, it is taken as 50 readouts away.

    Args:
        window: (B, S, h, w) of 0 and 1; its middle is readout S // 2.
        threshold: of the camera: the rate times it is light.

    Returns:
        (B, 1, h, w).
    """
    size, middle = window.shape[1], window.shape[1] // 2
    far = torch.full_like(window[:, 0], INTERVAL_REACH, dtype=torch.float32)
    before, after = far.clone(), far.clone()
    for readout in range(max(1, middle - INTERVAL_REACH + 1), middle + 1):
        before = torch.where(window[:, readout] > 0, float(middle - readout), before)
    for readout in reversed(range(middle + 1, min(size - 1, middle + INTERVAL_REACH) + 1)):
        after = torch.where(window[:, readout] > 0, float(readout - middle), after)
    return (threshold / (before + after))[:, None]


def _check_span(first: int, last: int, spikes: Tensor) -> None:
    if first < 0 or last >= spikes.shape[1]:
        raise ValueError(
            f'inputs of spikes: readouts {first} to {last} are wanted, and the stream has 0 to {spikes.shape[1] - 1}'
        )
