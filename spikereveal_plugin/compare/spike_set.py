"""Samples with photo and spikes: a split of a data set of this package, or the authors' folders."""

from pathlib import Path

import numpy as np
import torch
from basicsr.data.data_util import generate_frame_indices
from torch import Tensor

from spikereveal_plugin.compare.reading import Frame, digest
from spikereveal_plugin.compare.set_options import SetOptions
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.recordings.sources import Source
from spikereveal_plugin.shot import Shot


class SpikeSet:
    """A split of a data set, with the sharp frames that its options ask for, where there are any."""

    def __init__(self, label: str, root: Path, options: SetOptions) -> None:
        self.label, self._options, self._root = label, options, root
        self.average: str = options.average
        self._source = _open(label, root, options)
        has_middle, has_sequence = self._source.has_sharp, self._source.has_sharp_sequence
        if options.frames and not (has_sequence if options.frames == 'sequence' else has_middle):
            raise OptionError(f'sets.{label}.frames: {root} has no sharp {options.frames}')
        self._is_sequence = options.frames == 'sequence' or (options.frames is None and has_sequence)
        self.has_reference = self._is_sequence or has_middle
        self.keys = self._source.keys[:: options.every]
        self.protocol = self._describe()

    def _describe(self) -> str:
        return self._describe_frames() + (f', one sample of {self._options.every}' if self._options.every > 1 else '')

    def _describe_frames(self) -> str:
        if not self.has_reference:
            return f'mean over {self._options.num_frames} frames of each exposure, no reference'
        if not self._is_sequence:
            return 'middle frame of each exposure'
        return f"mean over each exposure's sharp frames (readouts {', '.join(self.frames(self.keys[0]))})"

    def instants(self, key: str) -> tuple[int, ...]:
        """The readouts of a sample's frames."""
        record = self._source.record(key)
        if self._is_sequence:
            if readouts := self._source.sharp_instants(key):
                return readouts
            raise SpikeDataError(f'{self._root}: there is no sharp sequence of {key!r}')
        if self.has_reference:
            return (record.exposure.centre,)
        try:
            return record.exposure.instants(self._options.num_frames, self._options.window, record.num_readouts)
        except ValueError as error:
            raise SpikeDataError(f'{self._root}: {key!r}: {error}') from None

    def frames(self, key: str) -> tuple[str, ...]:
        return tuple(f'{instant:03d}' for instant in self.instants(key))

    def size(self, key: str) -> tuple[int, int]:
        return self._source.image_size(key)

    def reference(self, key: str) -> list[Frame] | None:
        if self._is_sequence:
            sequence = self._source.sharp_sequence(key)
            return [_as_float(sequence[instant]) for instant in self.instants(key)]
        sharp = self._source.sharp(key) if self.has_reference else None
        return None if sharp is None else [_as_float(sharp)]

    def digest(self, key: str) -> str:
        record = self._source.record(key)
        arrays = [self._source.blur(key), self._source.spikes(key)]
        if self._is_sequence:
            arrays += self._source.sharp_sequence(key).values()
        elif self.has_reference and (sharp := self._source.sharp(key)) is not None:
            arrays.append(sharp)
        about = f'{record.exposure_first} {record.exposure_length} {self.instants(key)}'
        return digest([about, *(array.tobytes() for array in arrays)])

    def shot(self, key: str, photos: int = 1) -> Shot:
        record = self._source.record(key)
        spikes = torch.from_numpy(self._source.spikes(key).astype(np.bool_))[None]
        around = torch.cat([self._photo(other) for other in self._neighbours(key, photos)]) if photos > 1 else None
        return Shot(self._photo(key), spikes, record.exposure, None if around is None else around[None])

    def _photo(self, key: str) -> Tensor:
        """(1, 3, H, W)."""
        return torch.from_numpy(_as_float(self._source.blur(key))).permute(2, 0, 1).contiguous()[None]

    def _neighbours(self, key: str, count: int) -> list[str]:
        """Keys of `count` photos of the sequence around one, as BasicSR repeats the first and last of a video."""
        sequence = [other for other in self._source.keys if other.rpartition('/')[0] == key.rpartition('/')[0]]
        indices = generate_frame_indices(sequence.index(key), len(sequence), count, padding='replicate')
        return [sequence[index] for index in indices]


def _open(label: str, root: Path, options: SetOptions) -> Source:
    exposure = None
    if options.exposure is not None:
        if len(options.exposure) != 2:
            raise OptionError(f'sets.{label}.exposure: expected the first readout of each exposure and their number')
        exposure = Exposure(*options.exposure)
    try:
        return open_split(root, exposure, options.ratio)
    except SpikeDataError as error:
        if str(error).startswith('exposure: '):
            raise OptionError(f'sets.{label}.{error}') from None
        raise


def _as_float(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Frame:
    return np.divide(image, 255, dtype=np.float32)
