"""BasicSR's view of blurry images with their spikes."""

import hashlib
import random
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from basicsr.utils.registry import DATASET_REGISTRY
from torch import Tensor
from torch.utils.data import Dataset

from spikereveal_plugin.data.augment import apply, random_crop, random_instants, random_symmetry, undo
from spikereveal_plugin.data.open_source import open_source
from spikereveal_plugin.data.spike_blur_options import SpikeBlurOptions, listed_keys
from spikereveal_plugin.data.teacher_cache import TeacherCache
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.options import parse_section
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.physics.tfp import exposure_rate
from spikereveal_plugin.physics.threshold import add_noise_spikes, raise_threshold, spoilt_rate
from spikereveal_plugin.recordings.sources import Image


@DATASET_REGISTRY.register()
class SpikeBlurDataset(Dataset[dict[str, Any]]):
    """Blurry images with their spikes; no sharp image is needed.

    An item holds `lq` (3, H, W) float32 RGB in [0, 1]; `spike` (T, h, w) uint8 of 0 and 1; `exposure` (2,), the first
    readout inside the exposure and their number; `lq_path`, the sample's key. Also, where they exist, `gt` (3, H, W),
    the sharp middle frame, `gt_sequence` (N, 3, H, W) and `gt_instants` (N,), their readouts, all cropped and turned as
    `lq`; in training, with a cache of the teacher, `teacher_gain` (N, H, W), the factors of Eq. 8, and
    `teacher_instants` (N,); unless `density` is 1.0, `density_ratio` (), how many times denser spikes shall be made.
    Where `thresholds` or `noise_spikes` spoil the spikes and no cache brings the teacher's labels, `recorded` and
    `recorded_density_ratio` are the same of the spikes as they were.

    YAML: the keys of `SpikeBlurOptions`. In training `thresholds` and `noise_spikes` spoil what a student sees, not the
    teacher; `dataroot_teacher`, `teacher_instants` and `teacher_window` are filled in by `SpikeDistillModel`.
    """

    def __init__(self, opt: dict[str, Any]) -> None:
        self.opt = opt  # BasicSR's validation reads opt['name']
        self._where = f'datasets.{opt.get("phase", opt.get("name"))}'
        self._options = parse_section(SpikeBlurOptions, opt, self._where)
        self._is_train = opt.get('phase') == 'train'
        self._source = open_source(self._options, self._where)
        self._keys = self._source.keys
        if listed := self._options.meta_info_file:
            self._keys = listed_keys(Path(listed).expanduser(), self._keys, self._where)
        self._teacher: TeacherCache | None = None
        self._observed: dict[str, tuple[float, float]] = {}
        if not self._is_train and self._options.spoils:
            raise OptionError(f'{self._where}: only training draws thresholds and noise; make a set of another camera')
        if self._is_train:
            self._check_train_options()
            if self._options.dataroot_teacher:
                self._open_teacher(Path(self._options.dataroot_teacher).expanduser())

    def _check_train_options(self) -> None:
        """Samples of a batch must agree; a crop must fit every one of them."""
        side = self._options.gt_size
        if side is None:
            raise OptionError(f'{self._where}: missing option gt_size, the side of the training crop, such as 512')
        records = {key: self._source.record(key) for key in self._keys}
        shapes = {(record.num_readouts, record.exposure_first, record.exposure_length) for record in records.values()}
        if len(shapes) > 1:
            raise SpikeDataError(
                f'{self._where}: samples differ in readouts or exposure: {sorted(shapes)[:3]}; split them'
            )
        for key, record in records.items():
            ratio = self._ratio(key)
            if side % ratio or side > ratio * min(record.height, record.width):
                raise OptionError(
                    f'{self._where}.gt_size: {side} is not a multiple of {ratio} that fits the '
                    f'{ratio * record.width}x{ratio * record.height} image {key}'
                )

    @property
    def keys(self) -> tuple[str, ...]:
        """Every sample's key."""
        return self._keys

    def spikes(self, key: str) -> npt.NDArray[np.uint8]:
        """(T, h, w) of 0 and 1, the whole stream of a sample."""
        return self._source.spikes(key)

    def image_size(self, key: str) -> tuple[int, int]:
        """Height and width of a sample's image."""
        return self._source.image_size(key)

    def exposure(self, key: str) -> Exposure:
        """The readouts of a sample's exposure."""
        return self._source.record(key).exposure

    @cached_property
    def teacher_instants(self) -> tuple[int, ...]:
        """The readouts that the teacher is wanted at: listed, or spread over the exposure that all samples share."""
        listed = self._options.teacher_instants
        if isinstance(listed, tuple):
            return listed
        first = self._keys[0]
        return self.exposure(first).instants(
            listed, self._options.teacher_window, self._source.record(first).num_readouts
        )

    def density_ratio(self, key: str, factor: int = 1, noise: float = 0.0) -> float:
        """How many times denser a sample's spikes shall be made; the observed threshold is that of the whole sample.

        Args:
            key: the sample.
            factor: by which its threshold was raised.
            noise: the probability of the noise spikes that were added.

        Raises:
            SpikeDataError: `density` is `auto`, and the photo is black or no spike fell.
        """
        if self._options.density != 'auto':
            return factor * self._options.density
        if key not in self._observed:
            blur = to_tensor(self._source.blur(key))[None]
            rate = exposure_rate(torch.from_numpy(self.spikes(key))[None], self.exposure(key))
            try:
                self._observed[key] = observed_threshold(blur, rate), float(rate.mean())
            except ValueError as error:
                raise SpikeDataError(f'{self._where}: {key}: density auto: {error}; take the sample out') from None
        threshold, recorded = self._observed[key]
        return self._options.wants.ratio_at(threshold * recorded / spoilt_rate(recorded, factor, noise))

    def fingerprint(self) -> str:
        """A hash of what a teacher sees: samples' names, sizes, exposures, the first one's spikes, their density."""
        records = ((key, self._source.record(key)) for key in self._keys)
        listed = [(key, *r.shape, r.exposure_first, r.exposure_length) for key, r in records]
        digest = hashlib.sha256(repr(listed).encode())
        digest.update(np.packbits(self.spikes(self._keys[0])).tobytes())
        if self._options.density != 1:
            digest.update(str(self._options.density).encode())
        if self._options.trained_threshold != 1:
            digest.update(f' of {self._options.trained_threshold}'.encode())
        return digest.hexdigest()

    def _open_teacher(self, path: Path) -> None:
        """Refuse a cache of other spikes, or without an instant that is wanted."""
        self._teacher = TeacherCache(path)
        self._teacher.check({'spikes': self.fingerprint()})
        if missing := self._teacher.missing(self._keys, self.teacher_instants):
            key, instants = next(iter(missing.items()))
            raise SpikeDataError(
                f'{path} lacks {len(missing)} of {len(self._keys)} samples, such as {key} at readouts '
                f'{", ".join(map(str, instants))}; `spikereveal data teach -opt FILE` adds what is missing'
            )

    def _ratio(self, key: str) -> int:
        """Image size over sensor size."""
        record, (height, width) = self._source.record(key), self._source.image_size(key)
        ratio = height // record.height
        if (height, width) != (ratio * record.height, ratio * record.width):
            raise SpikeDataError(
                f'{self._options.dataroot_lq}: image {key} is {width}x{height}, no whole multiple of its '
                f'{record.width}x{record.height} spikes'
            )
        return ratio

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: int) -> dict[str, Any]:
        key = self._keys[index]
        return self._train_item(key) if self._is_train else self._whole_item(key)

    def _item(self, key: str, blur: Tensor, spikes: Tensor) -> dict[str, Any]:
        record = self._source.record(key)
        exposure = torch.tensor([record.exposure_first, record.exposure_length])
        item = {'lq': blur, 'spike': spikes, 'exposure': exposure, 'lq_path': key}
        if self._options.density != 1:
            item['density_ratio'] = torch.tensor(self.density_ratio(key), dtype=torch.float64)
        return item

    def _train_item(self, key: str) -> dict[str, Any]:
        ratio, record = self._ratio(key), self._source.record(key)
        crop = random_crop(record.height, record.width, (self._options.gt_size or 0) // ratio)
        symmetry = random_symmetry(hflip=self._options.use_hflip, rotate=self._options.use_rot)
        blur = to_tensor(apply(self._source.blur(key, crop.times(ratio)), symmetry, (0, 1)))
        spikes = np.empty((record.num_readouts, crop.height, crop.width), np.uint8)
        self._source.spikes(key, crop, out=undo(spikes, symmetry, (1, 2)))
        item = self._item(key, blur, torch.from_numpy(spikes))
        if self._options.spoils:
            self._spoil(item)
        rows, columns = crop.times(ratio).slices
        self._add_sharp(item, key, lambda image: apply(image[rows, columns], symmetry, (0, 1)))
        if self._teacher is not None:
            instants, size = self.teacher_instants, self._source.image_size(key)
            gains = [self._teacher.read(key, t, size, rows=rows, columns=columns) for t in instants]
            item['teacher_gain'] = torch.from_numpy(np.stack([apply(gain, symmetry, (0, 1)) for gain in gains]))
            item['teacher_instants'] = torch.tensor(instants)
        return item

    def _spoil(self, item: dict[str, Any]) -> None:
        """Raise the camera's threshold and add noise; a teacher that is asked online gets what was recorded."""
        factor, noise = random.choice(self._options.thresholds), self._options.noise_spikes
        recorded, recorded_ratio = item['spike'], item.get('density_ratio')
        is_in_step = self._options.in_step > 0 and random.random() < self._options.in_step
        phase = torch.randint(factor, (1, 1) if is_in_step else recorded.shape[1:]) if factor > 1 else torch.zeros(())
        item['spike'] = add_noise_spikes(raise_threshold(recorded, factor, phase), noise)
        if recorded_ratio is not None:
            ratio = self.density_ratio(item['lq_path'], factor, noise)
            item['density_ratio'] = torch.tensor(ratio, dtype=torch.float64)
        if self._teacher is None:
            item['recorded'] = recorded
            if recorded_ratio is not None:
                item['recorded_density_ratio'] = recorded_ratio

    def _whole_item(self, key: str) -> dict[str, Any]:
        self._ratio(key)  # refuses an image that is no whole multiple of its spikes
        item = self._item(key, to_tensor(self._source.blur(key)), torch.from_numpy(self.spikes(key)))
        self._add_sharp(item, key, lambda image: image)
        return item

    def _add_sharp(self, item: dict[str, Any], key: str, cut: Callable[[Image], Image]) -> None:
        """Put the sample's sharp images, each as `cut` makes it, into its item; training asks for each kind by name."""
        if (sharp := self._source.sharp(key)) is not None:
            item['gt'] = to_tensor(cut(self._checked(key, sharp)))
        is_wanted = not self._is_train or self._options.dataroot_gt_sequence is not None
        drawn = self._options.gt_instants if self._is_train else None
        if is_wanted and (instants := random_instants(self._source.sharp_instants(key), drawn)):
            sequence = self._source.sharp_sequence(key, instants)
            item['gt_instants'] = torch.tensor(sorted(sequence))
            frames = [cut(self._checked(key, sequence[t])) for t in sorted(sequence)]
            item['gt_sequence'] = torch.stack([to_tensor(frame) for frame in frames])
        elif is_wanted and self._is_train:
            raise SpikeDataError(f'{self._where}.dataroot_gt_sequence: no sharp sequence of {key}; take the option out')

    def _checked(self, key: str, sharp: Image) -> Image:
        if sharp.shape[:2] != self._source.image_size(key):
            raise SpikeDataError(
                f'sharp image of {key} is {sharp.shape[:2]}, its blurry image {self._source.image_size(key)}'
            )
        return sharp


def to_tensor(image: Image) -> Tensor:
    """(H, W, 3) uint8 to (3, H, W) float32 in [0, 1]."""
    height, width, channels = image.shape
    pixels = np.empty((channels, height, width), np.float32)
    np.divide(image.transpose(2, 0, 1), np.float32(255), out=pixels)
    return torch.from_numpy(pixels)
