"""The part of a spike file that belongs to one photo."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.vidar import readout_bytes
from spikereveal_plugin.recordings.sensors import SPIKE_CAMERAS
from spikereveal_plugin.recordings.spike_file import SpikeLayout, open_spikes, sensor_from_config

Size = tuple[int, int]


@dataclass(frozen=True)
class SpikeClip:
    """A stream (T, h, w) bool, the photo's exposure in it, and which readout of the file its first one is."""

    stream: npt.NDArray[np.bool_]
    exposure: Exposure
    offset: int = 0


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
    if path.suffix.lower() == '.dat' and layout.sensor is None:
        size = dat_sensor(path, image, layout)
        layout = replace(layout, height=size[0], width=size[1])
    stream = open_spikes(path, layout)
    exposure = _inside(exposure, len(stream), path)
    first, stop = max(0, exposure.first - margin), min(len(stream), exposure.stop + margin)
    return SpikeClip(stream.read(first, stop), Exposure(exposure.first - first, exposure.length), first)


def dat_sensor(path: Path, image: Size | None, layout: SpikeLayout) -> Size:
    """Return (h, w) of a `.dat`: from a `config.yaml`, or a quarter of the photo if the file is whole readouts.

    Raises:
        SpikeDataError: nothing tells it, or the file is not of the photo's sensor.
    """
    if sensor := sensor_from_config(path):
        return sensor
    if not path.is_file():
        raise SpikeDataError(f'{path}: there is no such file')
    if image is None:
        raise SpikeDataError(f'{path}: a .dat does not say its sensor size; give --height and --width')
    height, width = image
    up, down = (-(-height // RATIO), -(-width // RATIO)), (height // RATIO, width // RATIO)
    num_bytes = path.stat().st_size - layout.header
    for size in (up, down):
        if min(size) > 0 and num_bytes and num_bytes % readout_bytes(*size) == 0:
            return size
    fitting = [f'{w}x{h}' for h, w in SPIKE_CAMERAS if num_bytes and num_bytes % readout_bytes(h, w) == 0]
    if fitting:
        raise SpikeDataError(
            f'{path}: the image is {width}x{height}, the spikes {" or ".join(fitting)}: expected {up[1]}x{up[0]}; crop '
            'the image to what the spike camera sees (see `spikereveal data align`), or give --height and --width'
        )
    raise SpikeDataError(
        f'{path}: {num_bytes} bytes are not a whole number of {up[1]}x{up[0]} readouts ({readout_bytes(*up)} bytes '
        f'each), which an image of {width}x{height} needs; give --height and --width of the spike camera'
    )


def _inside(exposure: Exposure | None, count: int, path: Path) -> Exposure:
    if exposure is None:
        return Exposure(0, count)
    if exposure.stop > count:
        raise SpikeDataError(
            f'{path}: an exposure of readouts {exposure.first} to {exposure.last} leaves the stream of {count}'
        )
    return exposure
