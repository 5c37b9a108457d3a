"""The sensor's size of a `.dat`, which does not say it itself."""

from dataclasses import replace
from pathlib import Path

from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.vidar import readout_bytes
from spikereveal_plugin.recordings.sensors import SPIKE_CAMERAS, fills
from spikereveal_plugin.recordings.spike_file import SpikeLayout, sensor_from_config

Size = tuple[int, int]


def layout_for_photo(path: Path, image: Size | None, layout: SpikeLayout) -> SpikeLayout:
    """Give the layout of a `.dat` its sensor's size, where it has none; see `dat_sensor`.

    Raises:
        SpikeDataError: nothing tells the size.
    """
    if path.suffix.lower() != '.dat' or layout.sensor is not None:
        return layout
    height, width = dat_sensor(path, image, layout)
    return replace(layout, height=height, width=width)


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
    fitting = [size for size in SPIKE_CAMERAS if fills(num_bytes, *size)]
    for size in (up, down):
        if fills(num_bytes, *size) and image not in fitting:  # of which every 16th is a quarter's too
            return size
    if fills(num_bytes, height, width) and (not fitting or image in fitting):
        raise SpikeDataError(
            f"{path}: the image is {width}x{height}, which is the sensor's own size, expected {RATIO} times it; take "
            f'the photo as the colour camera made it, or restore it at this size: --height {height} --width {width}'
        )
    if fitting:
        sizes = ' or '.join(f'{w}x{h}' for h, w in fitting)
        raise SpikeDataError(
            f'{path}: the image is {width}x{height}, the spikes {sizes}: expected {up[1]}x{up[0]}; crop '
            'the image to what the spike camera sees (see `spikereveal data align`), or give --height and --width'
        )
    raise SpikeDataError(
        f'{path}: {num_bytes} bytes are not a whole number of {up[1]}x{up[0]} readouts ({readout_bytes(*up)} bytes '
        f'each), which an image of {width}x{height} needs; give --height and --width of the spike camera'
    )
