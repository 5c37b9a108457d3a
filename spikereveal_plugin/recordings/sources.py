"""Where blurry images, spikes and sharp images come from: an LMDB set, or folders in the authors' layout."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb, SpikeRecord
from spikereveal_plugin.formats.vidar import count_readouts, read_vidar
from spikereveal_plugin.recordings.image_file import image_size, load_image
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb

Image = npt.NDArray[np.uint8]
Spikes = npt.NDArray[np.uint8]
_BLOCK = 16
IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff')
FRAMES_PER_EXPOSURE = 13  # original frames of one published exposure; sharp file names count original frames


@dataclass(frozen=True)
class Crop:
    """A window of an image or a sensor, in its own pixels."""

    top: int
    left: int
    height: int
    width: int

    def times(self, ratio: int) -> 'Crop':
        """The same window of an image that is `ratio` times as large."""
        return Crop(ratio * self.top, ratio * self.left, ratio * self.height, ratio * self.width)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


class Source(Protocol):
    """A place that holds samples."""

    keys: tuple[str, ...]
    has_sharp: bool
    """whether there is a sharp middle frame of each sample"""

    @property
    def has_sharp_sequence(self) -> bool:
        """Whether there are sharp sequences."""

    def record(self, key: str) -> SpikeRecord:
        """Readouts, sensor size and exposure of a sample."""

    def image_size(self, key: str) -> tuple[int, int]:
        """Height and width of the blurry image."""

    def blur(self, key: str, crop: Crop | None = None) -> Image:
        """Blurry image, or a window of it in its own pixels, RGB."""

    def spikes(self, key: str, crop: Crop | None = None, out: Spikes | None = None) -> Spikes:
        """(T, h, w) of 0 and 1; put into `out`, which may be a turned view, where it is given."""

    def sharp(self, key: str) -> Image | None:
        """Sharp image at the middle of the exposure, if there is one."""

    def sharp_sequence(self, key: str, instants: Collection[int] | None = None) -> dict[int, Image]:
        """Sharp images by readout, all or those of `instants`; empty if there are none."""

    def sharp_instants(self, key: str) -> tuple[int, ...]:
        """Their readouts, without reading them."""


class LmdbSource:
    """`blur.lmdb` and `spike.lmdb`, with `sharp.lmdb` and `sharp_sequence.lmdb` where there is ground truth."""

    def __init__(self, blur: Path, spike: Path, sharp: Path | None, sequence: Path | None) -> None:
        self._blur = ImageLmdb(blur)
        self._spike = SpikeLmdb(spike)
        self._sharp = ImageLmdb(sharp) if sharp else None
        self._sequence = ImageLmdb(sequence) if sequence else None
        self.keys, self.has_sharp = tuple(self._blur.keys), sharp is not None
        for path, keys in ((spike, self._spike.keys), (sharp, self._sharp.keys if self._sharp else self.keys)):
            if unpaired := set(self.keys) ^ set(keys):
                raise SpikeDataError(
                    f'{blur} and {path} do not hold the same samples; {sorted(unpaired)[:3]} is in one only'
                )

    @property
    def has_sharp_sequence(self) -> bool:
        return self._sequence is not None

    @cached_property
    def _sequence_keys(self) -> dict[str, list[str]]:
        grouped: dict[str, list[str]] = {}
        for key in self._sequence.keys if self._sequence else ():
            grouped.setdefault(key.rpartition('/')[0], []).append(key)
        return grouped

    def record(self, key: str) -> SpikeRecord:
        return self._spike.records[key]

    def image_size(self, key: str) -> tuple[int, int]:
        return self._blur.shapes[key]

    def blur(self, key: str, crop: Crop | None = None) -> Image:
        if crop is None:
            return self._blur.read(key)
        return self._blur.read(key, top=crop.top, left=crop.left, height=crop.height, width=crop.width)

    def spikes(self, key: str, crop: Crop | None = None, out: Spikes | None = None) -> Spikes:
        if crop is None:
            return self._spike.read(key, out=out)
        return self._spike.read(key, top=crop.top, left=crop.left, height=crop.height, width=crop.width, out=out)

    def sharp(self, key: str) -> Image | None:
        return self._sharp.read(key) if self._sharp else None

    def sharp_sequence(self, key: str, instants: Collection[int] | None = None) -> dict[int, Image]:
        if self._sequence is None:
            return {}
        names = {int(name.rpartition('/')[2]): name for name in self._sequence_keys.get(key, ())}
        wanted = names if instants is None else instants
        return {readout: self._sequence.read(name) for readout, name in names.items() if readout in wanted}

    def sharp_instants(self, key: str) -> tuple[int, ...]:
        """Readouts of the sharp sequence, in its order, without reading it."""
        return tuple(int(k.rpartition('/')[2]) for k in self._sequence_keys.get(key, ()))


class FolderSource:
    """The authors' layout: `{blur,spike,sharp}_data/<sequence>/<name>`, the images `.png` or `.jpg`, spikes `.dat`."""

    def __init__(self, blur: Path, spike: Path, sharp: Path | None, exposure: Exposure, ratio: int) -> None:
        self._spike_root, self._exposure, self._ratio, self.has_sharp = spike, exposure, ratio, sharp is not None
        images = files_by_key(blur, IMAGE_SUFFIXES)
        self._blur = {key: path for key, path in images.items() if self._dat(key).is_file()}
        self.without_spikes = tuple(key for key in images if key not in self._blur)
        self.keys = tuple(self._blur)
        if not self.keys:
            raise SpikeDataError(
                f'{blur} and {spike} have no sample in common; expected <sequence>/<name>.png and .dat'
            )
        self._sharp = files_by_key(sharp, IMAGE_SUFFIXES) if sharp else {}
        if sharp and (missing := [key for key in self.keys if key not in self._sharp]):
            raise SpikeDataError(f'{sharp} has no sharp image for {missing[0]} ({len(missing)} missing in all)')

    @property
    def has_sharp_sequence(self) -> bool:
        return all(map(self.sharp_instants, self.keys))

    def _dat(self, key: str) -> Path:
        return self._spike_root / f'{key}.dat'

    def image_size(self, key: str) -> tuple[int, int]:
        return image_size(self._blur[key])

    def _sensor_size(self, key: str) -> tuple[int, int]:
        height, width = self.image_size(key)
        if height % self._ratio or width % self._ratio:
            raise SpikeDataError(f'{self._blur[key]}: {width}x{height} is not {self._ratio} times a whole sensor size')
        return height // self._ratio, width // self._ratio

    def record(self, key: str) -> SpikeRecord:
        height, width = self._sensor_size(key)
        count = count_readouts(self._dat(key), height, width)
        return SpikeRecord(count, height, width, self._exposure.first, self._exposure.length)

    def blur(self, key: str, crop: Crop | None = None) -> Image:
        image = load_image(self._blur[key])
        return image if crop is None else image[crop.slices]

    def spikes(self, key: str, crop: Crop | None = None, out: Spikes | None = None) -> Spikes:
        height, width = self._sensor_size(key)
        count, crop = count_readouts(self._dat(key), height, width), crop or Crop(0, 0, height, width)
        rows, columns = crop.slices
        if out is None:
            out = np.empty((count, crop.height, crop.width), np.uint8)
        for start in range(0, count, _BLOCK):  # a few readouts are decoded at a time, never the whole stream
            stop = min(start + _BLOCK, count)
            out[start:stop] = read_vidar(self._dat(key), height, width, start=start, stop=stop)[:, rows, columns]
        return out

    def sharp(self, key: str) -> Image | None:
        return load_image(self._sharp[key]) if self._sharp else None

    def sharp_sequence(self, key: str, instants: Collection[int] | None = None) -> dict[int, Image]:
        """The originals 0, 2, ..., 12 of the exposure, if all of them are on disk."""
        files = sharp_sequence_files(key, self._sharp, self._exposure)
        wanted = files if instants is None else instants
        return {readout: load_image(path) for readout, path in files.items() if readout in wanted}

    def sharp_instants(self, key: str) -> tuple[int, ...]:
        """Readouts of the sharp sequence, in its order, without reading it."""
        return tuple(sharp_sequence_files(key, self._sharp, self._exposure))


def files_by_key(root: Path, suffixes: tuple[str, ...], what: str | None = None) -> dict[str, Path]:
    """Return files below `root` by their path in it without its suffix, in order; hidden ones are nobody's data.

    Args:
        root: a folder.
        suffixes: of the files, lower case.
        what: what the files are, where there must be one.

    Raises:
        SpikeDataError: `root` is no folder, two files share a key, or there is none of `what`.
    """
    if not root.is_dir():
        raise SpikeDataError(f'{root}: no such folder')
    files: dict[str, Path] = {}
    for path in sorted(root.rglob('*')):
        if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith('.'):
            key = path.relative_to(root).with_suffix('').as_posix()
            if key in files:
                raise SpikeDataError(f'{path} and {files[key].name} have one name; keep one of them')
            files[key] = path
    if what and not files:
        raise SpikeDataError(f'{root}: no {what} ({", ".join(suffixes)}) is in it')
    return files


def sharp_sequence_files(key: str, sharp: Mapping[str, Path], exposure: Exposure) -> dict[int, Path]:
    """Return, by readout, the seven originals 0, 2, ..., 12 of the exposure; none unless all of them are there.

    Args:
        key: `<sequence>/<number of the middle original>`.
        sharp: sharp images by key.
        exposure: twelve steps from its first readout to its last, or there are none.
    """
    folder, _, name = key.rpartition('/')
    step, rest = divmod(exposure.length - 1, FRAMES_PER_EXPOSURE - 1)
    if not step or rest or not name.isdigit():
        return {}
    half = FRAMES_PER_EXPOSURE // 2
    keys = {
        exposure.centre + step * offset: f'{folder}/{int(name) + offset:0{len(name)}d}'.removeprefix('/')
        for offset in range(-half, half + 1, 2)
    }
    return {readout: sharp[key] for readout, key in keys.items()} if sharp.keys() >= set(keys.values()) else {}
