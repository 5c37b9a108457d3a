"""The part of a spike file that belongs to one photo."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.recordings.sensor_size import layout_for_photo
from spikereveal_plugin.recordings.spike_file import SpikeLayout, open_spikes

Size = tuple[int, int]


@dataclass(frozen=True)
class SpikeClip:
    """A stream (T, h, w) bool, the photo's exposure in it, and which readout of the file its first one is."""

    stream: npt.NDArray[np.bool_]
    exposure: Exposure
    offset: int = 0
    is_whole: bool = False
    """nothing said when the photo was exposed, so the whole stream is taken"""


def read_clip(
    path: Path, image: Size | None, layout: SpikeLayout, exposure: Exposure | None = None, margin: int = 0
) -> SpikeClip:
    """Read a photo's spikes.

    Args:
        path: `.dat`, `.npy` or `.npz`.
        image: (H, W) of the photo, which tells the sensor of a `.dat` that nothing else tells; None without a photo.
        layout: how the file is to be read.
        exposure: the photo's readouts in the file; all of them by default. Of a `.dat` only these are read.
        margin: readouts wanted before and after the exposure, where there are any.

    Raises:
        SpikeDataError: the file is missing or damaged, its sensor is not known, or the exposure leaves it.
    """
    stream, is_whole = open_spikes(path, layout_for_photo(path, image, layout)), exposure is None
    exposure = _inside(exposure, len(stream), path)
    first, stop = max(0, exposure.first - margin), min(len(stream), exposure.stop + margin)
    return SpikeClip(stream.read(first, stop), Exposure(exposure.first - first, exposure.length), first, is_whole)


def _inside(exposure: Exposure | None, count: int, path: Path) -> Exposure:
    if exposure is None:
        return Exposure(0, count)
    if exposure.stop > count:
        raise SpikeDataError(
            f'{path}: an exposure of readouts {exposure.first} to {exposure.last} leaves the stream of {count}'
        )
    return exposure
