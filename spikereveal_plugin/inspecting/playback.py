"""A spike stream shown instant by instant: its readout, TFP over a window, TFI."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.physics.tfp import firing_rate, inter_spike_rate
from spikereveal_plugin.recordings.image_file import load_image
from spikereveal_plugin.recordings.layout import LMDBS, find_split_of
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.recordings.sensor_size import layout_for_photo
from spikereveal_plugin.recordings.spike_file import SpikeLayout, open_spikes
from spikereveal_plugin.recordings.spike_stream import SpikeStream

Rate = npt.NDArray[np.float32]
TFI_REACH = 128  # readouts on either side in which the two spikes around an instant are sought


@dataclass(frozen=True)
class Stream:
    """Spikes, and the blurry image (H, W, 3) RGB where there is one."""

    spikes: SpikeStream
    blur: npt.NDArray[np.uint8] | None


def open_stream(path: Path, layout: SpikeLayout, blur: Path | None = None) -> Stream:
    """Open a spike file, or a sample of a data set; readouts of a `.dat` and of a data set are read as they are shown.

    Args:
        path: `.dat`, `.npy`, `.npz`; a data set, a split of one, or its `spike.lmdb`.
        layout: what a file does not say itself; `layout.key` names a data set's sample, the first by default.
        blur: the blurry image; a data set's own by default.

    Raises:
        SpikeDataError: nothing readable is there.
    """
    image = load_image(blur) if blur else None
    if path.is_dir():
        split = find_split_of(path, 'test', 'train')
        is_ours = split is not None and split.layout is LMDBS
        if not is_ours and path.name != LMDBS.spikes:
            raise SpikeDataError(
                f'{path}: no data set with {LMDBS.spikes} is there; give one, a split of one, or a file'
            )
        spikes = SpikeLmdb(split.spikes if split else path)
        key = _key(spikes.keys, layout, path)
        if image is None and split is not None:
            image = open_split(split.root).blur(key)
        shape = spikes.records[key].shape
        return Stream(SpikeStream(shape, lambda start, stop: spikes.read(key, start=start, stop=stop)), image)
    size = None if image is None else image.shape[:2]
    return Stream(open_spikes(path, layout_for_photo(path, size, layout) if size else layout), image)


def _key(keys: tuple[str, ...], layout: SpikeLayout, path: Path) -> str:
    if layout.key is not None and layout.key not in keys:
        raise SpikeDataError(f'{path} has no sample {layout.key!r}; it has {", ".join(keys[:5])} ...')
    return layout.key or keys[0]


def play(
    stream: Stream, window: int, instants: list[int]
) -> Iterator[tuple[tuple[str, npt.NDArray[np.uint8] | Rate], ...]]:
    """Yield what to show at each instant: labelled pictures, the image as uint8, rates as float32.

    Args:
        stream: what is shown.
        window: readouts of the TFP, odd.
        instants: readout indices; near the stream's ends the window moves inward.

    Raises:
        OptionError: the window is even, or longer than the stream.
    """
    num_readouts = len(stream.spikes)
    if window < 1 or window % 2 == 0 or window > num_readouts:
        raise OptionError(f'window of {window} readouts: expected an odd number up to the stream of {num_readouts}')
    half = window // 2
    for instant in instants:
        centre = min(max(instant, half), num_readouts - 1 - half)
        near, low = _part(stream, centre - half, centre + half + 1)
        around, first = _part(stream, instant - TFI_REACH, instant + TFI_REACH + 1)
        rates = (
            (f'readout {instant}', stream.spikes.read(instant, instant + 1)[0].astype(np.float32)),
            (f'TFP, {window} readouts', firing_rate(near, centre - low, window)[0, 0].numpy()),
            ('TFI', inter_spike_rate(around, instant - first)[0, 0].numpy()),
        )
        yield (*((('blur', stream.blur),) if stream.blur is not None else ()), *rates)


def spread_instants(num_readouts: int, count: int) -> list[int]:
    """Take the middles of `count` equal parts of the stream; its very ends lack a spike on one side, as TFI needs."""
    count = min(count, num_readouts)
    return [(2 * part + 1) * num_readouts // (2 * count) for part in range(count)]


def _part(stream: Stream, first: int, stop: int) -> tuple[torch.Tensor, int]:
    first, stop = max(0, first), min(stop, len(stream.spikes))
    return torch.from_numpy(np.ascontiguousarray(stream.spikes.read(first, stop)))[None], first
