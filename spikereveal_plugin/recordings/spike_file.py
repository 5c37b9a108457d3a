"""Spikes from any file: `.dat` (Vidar), `.npy`, `.npz`; the sensor's size also from SpikeCV's `config.yaml`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import yaml

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.array_file import load_arrays
from spikereveal_plugin.formats.bits import checked_spikes
from spikereveal_plugin.formats.text_file import read_text
from spikereveal_plugin.formats.vidar import count_readouts
from spikereveal_plugin.recordings.sensors import stored_width
from spikereveal_plugin.recordings.spike_stream import SpikeStream

SPIKE_SUFFIXES: Final = ('.dat', '.npy', '.npz')
SPIKE_KEYS: Final = ('spk', 'spike', 'spikes')
CONFIG_NAME: Final = 'config.yaml'
_CONFIG_LEVELS: Final = 3  # SpikeCV keeps one config.yaml at the top of a data set


@dataclass(frozen=True)
class SpikeLayout:
    """How a spike file is to be read.

    Args:
        height: the sensor's rows; needed for a `.dat` without a `config.yaml`, else it is checked.
        width: the sensor's columns.
        packed_width: columns of a row in a `.dat`, of which the first `width` are pixels; by default `width`, or what
            a known camera stores where only that fills the file.
        flip: a `.dat` holds the bottom row first, as the camera writes it.
        header: bytes of a `.dat` before its first readout.
        axes: order of the axes in an array, `thw` or `hwt`.
        key: array of an `.npz`; by default `spk`, `spike`, `spikes`, or the only one.
    """

    height: int | None = None
    width: int | None = None
    flip: bool = True
    header: int = 0
    axes: str = 'thw'
    key: str | None = None
    packed_width: int | None = None

    def __post_init__(self) -> None:
        if (self.height is None) != (self.width is None):
            raise OptionError('a sensor size needs both height and width')
        sizes = () if self.height is None or self.width is None else (self.height, self.width)
        if min(sizes, default=1) < 1 or self.header < 0:
            raise OptionError(
                f'sensor {sizes}, header {self.header}: expected sizes of 1 or more, a header of 0 or more'
            )
        if self.packed_width is not None and (self.width is None or self.packed_width < self.width):
            raise OptionError(
                f'rows of {self.packed_width} columns: expected as many as the sensor has ({self.width}) or more; give '
                'both sizes of the sensor'
            )
        if self.axes not in ('thw', 'hwt'):
            raise OptionError(f'axes {self.axes!r}: expected thw or hwt')

    @property
    def sensor(self) -> tuple[int, int] | None:
        """(height, width), if given."""
        return (self.height, self.width) if self.height and self.width else None


def load_spikes(path: Path, layout: SpikeLayout = SpikeLayout()) -> npt.NDArray[np.bool_]:
    """Read a whole stream; see `open_spikes`.

    Returns:
        (T, h, w), top row first, true where a pixel fired.
    """
    return open_spikes(path, layout).whole()


def open_spikes(path: Path, layout: SpikeLayout = SpikeLayout()) -> SpikeStream:
    """Open a stream; of a `.dat` only the readouts that are asked for will be read.

    Args:
        path: ends in `.dat`, `.npy` or `.npz`.
        layout: what the file does not say itself.

    Raises:
        SpikeDataError: the file is absent or damaged, or is not as `layout` says.
    """
    suffix = path.suffix.lower()
    if not path.exists():
        raise SpikeDataError(f'{path}: there is no such file')
    if suffix not in SPIKE_SUFFIXES:
        raise SpikeDataError(f'{path}: not a spike file; expected a name that ends in {", ".join(SPIKE_SUFFIXES)}')
    if not path.is_file():
        raise SpikeDataError(f'{path}: there is no such file')
    return _from_dat(path, layout) if suffix == '.dat' else SpikeStream.of_array(_from_arrays(path, layout))


def sensor_from_config(path: Path) -> tuple[int, int] | None:
    """Return (height, width) from the nearest `config.yaml` in the file's folder or up to two above, as SpikeCV has it.

    Raises:
        SpikeDataError: a `config.yaml` that has `spike_h` or `spike_w` has no positive whole numbers there.
    """
    for folder in list(path.absolute().parents)[:_CONFIG_LEVELS]:
        config = folder / CONFIG_NAME
        if config.is_file() and (size := _read_config(config)):
            return size
    return None


def _read_config(config: Path) -> tuple[int, int] | None:
    try:
        content = yaml.safe_load(read_text(config))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise SpikeDataError(f'{config}: not a readable YAML file ({" ".join(str(error).split())[:200]})') from None
    if not isinstance(content, dict) or not {'spike_h', 'spike_w'} & content.keys():
        return None  # a config.yaml of something else
    sizes = tuple(content.get(key) for key in ('spike_h', 'spike_w'))
    if not all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes):
        raise SpikeDataError(f'{config}: spike_h, spike_w must be positive whole numbers, found {sizes}')
    return sizes  # type: ignore[return-value]


def _from_dat(path: Path, layout: SpikeLayout) -> SpikeStream:
    sensor = layout.sensor or sensor_from_config(path)
    if sensor is None:
        raise SpikeDataError(
            f'{path}: a .dat does not say its sensor size; give --height and --width, put a {CONFIG_NAME} with spike_h '
            f'and spike_w beside it, or guess with: spikereveal data inspect {path}'
        )
    height, width = sensor
    stored = layout.packed_width or stored_width(path.stat().st_size - layout.header, height, width)
    count = count_readouts(path, height, stored, layout.header)
    stream = SpikeStream.of_dat(path, (count, height, stored), flip=layout.flip, header=layout.header)
    return stream.first_columns(width)


def _from_arrays(path: Path, layout: SpikeLayout) -> npt.NDArray[np.bool_]:
    array = _pick(load_arrays(path), path, layout.key)
    if array.ndim != 3:
        raise SpikeDataError(f'{path}: spikes must have three axes ({layout.axes}), found shape {array.shape}')
    if layout.axes == 'hwt':
        array = array.transpose(2, 0, 1)
    spikes = checked_spikes(array, str(path))
    sensor = layout.sensor
    if sensor is not None and spikes.shape[1:] != sensor:
        raise SpikeDataError(f'{path}: expected a sensor of {sensor}, found {spikes.shape[1:]}; is `axes` right?')
    return spikes


def _pick(arrays: dict[str, npt.NDArray[Any]], path: Path, key: str | None) -> npt.NDArray[Any]:
    """Choose the array that holds the spikes."""
    known: list[str] = [name for name in SPIKE_KEYS if name in arrays]
    names = [key] if key is not None else known or list(arrays)
    if len(names) != 1 or names[0] not in arrays:
        raise SpikeDataError(
            f'{path}: which array holds the spikes? Found {", ".join(sorted(arrays)) or "none"}'
            f'{"" if key is None else f", not {key!r}"}; name one'
        )
    return arrays[names[0]]
