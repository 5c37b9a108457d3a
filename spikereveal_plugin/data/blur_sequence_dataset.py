"""Blurry photos alone, one or several neighbours of a sequence, with sharp images: for restorers that see no spikes."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from basicsr.utils.registry import DATASET_REGISTRY
from torch import Tensor
from torch.utils.data import Dataset

from spikereveal_plugin.data.augment import apply, random_symmetry
from spikereveal_plugin.data.section_options import SectionOptions
from spikereveal_plugin.data.spike_blur_dataset import to_tensor
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.options import parse_section
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb


@dataclass(frozen=True, kw_only=True)
class BlurSequenceOptions(SectionOptions):
    """A section of `datasets` with `type: BlurSequenceDataset`."""

    dataroot_lq: str
    """the photos, an LMDB"""
    dataroot_gt: str
    """their sharp images, an LMDB"""
    num_frame: int = 1
    """photos of the sequence in an item, odd"""
    target: Literal['middle', 'all'] = 'middle'
    """sharp images of a training item: that of the middle photo, or one a photo"""


@DATASET_REGISTRY.register()
class BlurSequenceDataset(Dataset[dict[str, Any]]):
    """The `blur.lmdb` and `sharp.lmdb` of a data set, as stock BasicSR models take them.

    An item is about one photo, `lq_path`. With `num_frame: 1` it holds `lq` (3, H, W) RGB in [0, 1] and `gt` (3, H, W),
    the sharp image at the middle of its exposure, as `SRModel` wants them. With an odd `num_frame` N, `lq` (N, 3, H, W)
    is the photo amid its neighbours in the sequence, the first or last repeated beyond the ends, as `EDVRModel` wants
    it; with `target: all`, training items hold `gt` (N, 3, H, W), a sharp image a photo, as `VideoRecurrentModel` wants
    them, and others the middle one, for its `val.center_frame_only`. All photos of a window are cropped and turned
    alike.

    A key is `<sequence>/<name>`. BasicSR's video models also read `folder`, `idx` and `data_info`, and all of its
    models name the pictures they save by `lq_path`: outside of training it ends in a name that no two photos share.

    YAML: `dataroot_lq`, `dataroot_gt`, `num_frame`, `target`; for training `gt_size`, `use_hflip`, `use_rot`.
    """

    def __init__(self, opt: dict[str, Any]) -> None:
        self.opt = opt  # BasicSR's validation reads opt['name']
        self._where = f'datasets.{opt.get("phase", opt.get("name"))}'
        self._options = parse_section(BlurSequenceOptions, opt, self._where)
        self._is_train = opt.get('phase') == 'train'
        if self._options.num_frame < 1 or self._options.num_frame % 2 == 0:
            raise OptionError(f'{self._where}.num_frame: expected an odd number, found {self._options.num_frame}')
        self._blur, self._sharp = (
            ImageLmdb(Path(path).expanduser()) for path in (self._options.dataroot_lq, self._options.dataroot_gt)
        )
        self._keys = self._blur.keys
        self._check_images()
        self._sequences: dict[str, list[str]] = {}
        for key in sorted(self._keys):
            self._sequences.setdefault(sequence_of(key), []).append(key)
        if self._is_train:
            self._check_crop()
        folders = self._keys if self._options.target == 'all' else [sequence_of(key) for key in self._keys]
        self.data_info = {'folder': list(folders)}  # one entry an item; BasicSR counts them to size its tables

    def _check_images(self) -> None:
        if unpaired := set(self._keys) ^ set(self._sharp.keys):
            raise SpikeDataError(
                f'{self._blur.path} and {self._sharp.path} do not hold the same samples; '
                f'{sorted(unpaired)[:3]} is in one only'
            )
        for key, size in self._blur.shapes.items():
            if size != self._sharp.shapes[key]:
                raise SpikeDataError(f'sharp image of {key} is {self._sharp.shapes[key]}, its blurry image {size}')

    def _check_crop(self) -> None:
        side = self._options.gt_size
        if side is None:
            raise OptionError(f'{self._where}: missing option gt_size, the side of the training crop, such as 256')
        for key, (height, width) in self._blur.shapes.items():
            if side > min(height, width):
                raise OptionError(f'{self._where}.gt_size: {side} does not fit the {width}x{height} image {key}')

    def __len__(self) -> int:
        return len(self._keys)

    def window(self, key: str) -> list[str]:
        """The keys of a photo's window: itself in the middle, ends repeated."""
        keys = self._sequences[sequence_of(key)]
        place, half = keys.index(key), self._options.num_frame // 2
        return [keys[min(max(place + step, 0), len(keys) - 1)] for step in range(-half, half + 1)]

    def __getitem__(self, index: int) -> dict[str, Any]:
        key, options = self._keys[index], self._options
        window = self.window(key)
        sizes = {self._blur.shapes[name] for name in window}
        if len(sizes) > 1:
            raise SpikeDataError(f'{self._blur.path}: neighbours of {key} differ in size: {sorted(sizes)}')
        is_all = options.target == 'all' and self._is_train
        top, left, height, width = self._crop(*sizes.pop())
        symmetry = random_symmetry(hflip=options.use_hflip, rotate=options.use_rot) if self._is_train else None

        def read(images: ImageLmdb, name: str) -> Tensor:
            image = images.read(name, top=top, left=left, height=height, width=width)
            return to_tensor(image if symmetry is None else apply(image, symmetry, (0, 1)))

        lq = torch.stack([read(self._blur, name) for name in window])
        shown = window if is_all else [key]
        gt = torch.stack([read(self._sharp, name) for name in shown])
        return {'lq': lq if options.num_frame > 1 else lq[0], 'gt': gt if is_all else gt[0], **self._names(key)}

    def _crop(self, height: int, width: int) -> tuple[int, int, int, int]:
        if not self._is_train or self._options.gt_size is None:
            return 0, 0, height, width
        side = self._options.gt_size
        return random.randint(0, height - side), random.randint(0, width - side), side, side

    def _names(self, key: str) -> dict[str, str]:
        if self._is_train:
            return {'lq_path': key}
        sequence, name = sequence_of(key), key.rpartition('/')[2]
        keys = self._sequences[sequence]
        is_alone = self._options.target == 'all'
        return {
            'lq_path': f'{sequence.replace("/", "_")}/{name}/{key.replace("/", "_")}',
            'folder': key if is_alone else sequence,
            'idx': '0/1' if is_alone else f'{keys.index(key)}/{len(keys)}',
        }


def sequence_of(key: str) -> str:
    """The sequence of a photo; `photos` for one that is in none."""
    return key.rpartition('/')[0] or 'photos'
