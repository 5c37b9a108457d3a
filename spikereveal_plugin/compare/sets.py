"""Where samples come from: a folder of sharp images, folders without any, or a data set of this package."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from spikereveal_plugin.compare.options import SetOptions
from spikereveal_plugin.compare.reading import Frame, digest, digest_files, frame_size, list_images, load_frame
from spikereveal_plugin.data.sources import LmdbSource
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.physics.exposure import Exposure


@dataclass(frozen=True)
class Shot:
    """What a method of this package restores from: blur (H, W, 3), spikes (T, h, w), when, and the instants wanted."""

    blur: Frame
    spikes: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    exposure: Exposure
    instants: tuple[int, ...]


class TestSet(Protocol):
    """Samples, each with one or more frames in time; `protocol` says which, for a reader."""

    label: str
    protocol: str
    keys: tuple[str, ...]
    has_reference: bool

    def frames(self, key: str) -> tuple[str, ...]:
        """Names of a sample's frames, in time."""

    def size(self, key: str) -> tuple[int, int]:
        """Height and width."""

    def reference(self, key: str) -> list[Frame] | None:
        """The sharp frames, if there are any."""

    def digest(self, key: str) -> str:
        """Hash of all that a score of this sample depends on, but for the method."""

    def shot(self, key: str) -> Shot:
        """Photo and spikes; raises OptionError where the set has none."""


class FolderSet:
    """Images below a folder: one in the folder itself is a sample, those of one sub-folder are the frames of one."""

    def __init__(self, label: str, root: Path, *, has_reference: bool) -> None:
        self.label, self._root, self.has_reference = label, root, has_reference
        self.files = list_images(root)
        grouped: dict[str, list[str]] = {}
        for name in self.files:
            grouped.setdefault(name.rpartition('/')[0] or name, []).append(name)
        if odd := [name for name in self.files if name in grouped and grouped[name] != [name]]:
            raise SpikeDataError(f'{self.files[odd[0]]} lies beside a folder of its own name; move one of them')
        self._grouped: Mapping[str, list[str]] = grouped
        self.keys = tuple(grouped)
        count = max(map(len, grouped.values()))
        frames = 'one image a sample' if count == 1 else f'mean over the images of each sub-folder (up to {count})'
        self.protocol = frames if has_reference else f'{frames}, no reference'

    def frames(self, key: str) -> tuple[str, ...]:
        return tuple(name.rpartition('/')[2] for name in self._grouped[key])

    def names(self, key: str) -> list[str]:
        """Paths of a sample's files in the folder, without suffix."""
        return self._grouped[key]

    def size(self, key: str) -> tuple[int, int]:
        return frame_size(self.files[self._grouped[key][0]])

    def _paths(self, key: str) -> list[Path]:
        return [self.files[name] for name in self._grouped[key]]

    def reference(self, key: str) -> list[Frame] | None:
        return [load_frame(path) for path in self._paths(key)] if self.has_reference else None

    def digest(self, key: str) -> str:
        return digest_files(self._paths(key)) if self.has_reference else 'no reference'

    def shot(self, key: str) -> Shot:
        raise OptionError(f'sets.{self.label}: {self._root} holds images and no spikes; name a data set as `data`')


class SpikeSet:
    """A split of a data set: `blur.lmdb`, `spike.lmdb`, `sharp.lmdb` and `sharp_sequence.lmdb` where there are."""

    def __init__(self, label: str, root: Path, options: SetOptions) -> None:
        self.label, self._options, self._root = label, options, root
        if not (root / 'blur.lmdb').is_dir() or not (root / 'spike.lmdb').is_dir():
            raise SpikeDataError(f'{root}: expected a split of a data set with blur.lmdb and spike.lmdb, such as /test')
        sharp, sequence = root / 'sharp.lmdb', root / 'sharp_sequence.lmdb'
        has_middle, has_sequence = sharp.is_dir(), sequence.is_dir()
        if options.frames and not (has_sequence if options.frames == 'sequence' else has_middle):
            raise OptionError(f'sets.{label}.frames: {root} has no sharp {options.frames}')
        self._is_sequence = options.frames == 'sequence' or (options.frames is None and has_sequence)
        self.has_reference = self._is_sequence or has_middle
        self._source = LmdbSource(
            root / 'blur.lmdb',
            root / 'spike.lmdb',
            sharp if has_middle else None,
            sequence if self._is_sequence else None,
        )
        self.keys = self._source.keys
        self.protocol = self._describe()

    def _describe(self) -> str:
        if not self.has_reference:
            return f'mean over {self._options.num_frames} frames of each exposure, no reference'
        if not self._is_sequence:
            return 'middle frame of each exposure'
        return f"mean over each exposure's sharp frames (readouts {', '.join(self.frames(self.keys[0]))})"

    def _instants(self, key: str) -> tuple[int, ...]:
        record = self._source.record(key)
        exposure = Exposure(record.exposure_first, record.exposure_length)
        if self._is_sequence:
            if found := self._source.sharp_instants(key):
                return found
            raise SpikeDataError(f'{self._root}: sharp_sequence.lmdb holds no frame of {key!r}')
        if self.has_reference:
            return (exposure.centre,)
        try:
            return exposure.instants(self._options.num_frames, self._options.window, record.num_readouts)
        except ValueError as error:
            raise SpikeDataError(f'{self._root}: {key!r}: {error}') from None

    def frames(self, key: str) -> tuple[str, ...]:
        return tuple(f'{instant:03d}' for instant in self._instants(key))

    def size(self, key: str) -> tuple[int, int]:
        return self._source.image_size(key)

    def reference(self, key: str) -> list[Frame] | None:
        if self._is_sequence:
            sequence = self._source.sharp_sequence(key)
            return [_as_float(sequence[instant]) for instant in self._instants(key)]
        sharp = self._source.sharp(key) if self.has_reference else None
        return None if sharp is None else [_as_float(sharp)]

    def digest(self, key: str) -> str:
        record = self._source.record(key)
        arrays = [self._source.blur(key, None, 1), self._source.spikes(key, None)]
        if self._is_sequence:
            arrays += self._source.sharp_sequence(key).values()
        elif self.has_reference and (sharp := self._source.sharp(key)) is not None:
            arrays.append(sharp)
        about = f'{record.exposure_first} {record.exposure_length} {self._instants(key)}'
        return digest([about, *(array.tobytes() for array in arrays)])

    def shot(self, key: str) -> Shot:
        record = self._source.record(key)
        exposure = Exposure(record.exposure_first, record.exposure_length)
        spikes = self._source.spikes(key, None).astype(np.bool_)
        return Shot(_as_float(self._source.blur(key, None, 1)), spikes, exposure, self._instants(key))


def _as_float(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Frame:
    return np.divide(image, 255, dtype=np.float32)


def open_set(label: str, options: SetOptions, first_folder: Path | None) -> FolderSet | SpikeSet:
    """Open what a section of `sets` names; without `gt` and `data` its samples are those of the first method's folder.

    Raises:
        SpikeDataError: a path is missing or holds nothing.
        OptionError: there is neither a reference nor a folder.
    """
    if options.data:
        return SpikeSet(label, Path(options.data).expanduser(), options)
    if options.frames:
        raise OptionError(f'sets.{label}.frames: only a data set (`data`) has a choice of frames')
    if options.gt:
        return FolderSet(label, Path(options.gt).expanduser(), has_reference=True)
    if first_folder is None:
        raise OptionError(f'sets.{label}: give gt, a folder of sharp images, or data, a data set of this package')
    return FolderSet(label, first_folder, has_reference=False)
