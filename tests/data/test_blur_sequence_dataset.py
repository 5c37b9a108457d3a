"""Windows of neighbouring photos: which, cropped how, named how; what is refused."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from basicsr.data import build_dataset

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.recordings.image_lmdb import ImageLmdbWriter

KEYS = ('b/1', 'b/2', 'b/3', 'c/d/1')


def write(path: Path, keys: tuple[str, ...] = KEYS, size: tuple[int, int] = (16, 24)) -> str:
    """Images that are unlike each other and have no symmetry."""
    with ImageLmdbWriter(path) as writer:
        for key in keys:
            seed = sum(key.encode())
            writer.put(key, np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8))
    return str(path)


@pytest.fixture
def opt(tmp_path: Path) -> dict[str, Any]:
    paths = {'dataroot_lq': write(tmp_path / 'blur.lmdb'), 'dataroot_gt': write(tmp_path / 'sharp.lmdb')}
    return {'name': 'tiny', 'type': 'BlurSequenceDataset', 'phase': 'val', 'scale': 1, **paths}


def test_a_window_repeats_the_ends_of_its_sequence(opt: dict[str, Any]):
    dataset = build_dataset({**opt, 'num_frame': 5})
    assert dataset.window('b/1') == ['b/1', 'b/1', 'b/1', 'b/2', 'b/3']
    assert dataset.window('b/3') == ['b/1', 'b/2', 'b/3', 'b/3', 'b/3']
    assert dataset.window('c/d/1') == ['c/d/1'] * 5
    single = build_dataset(opt)
    photos = dict(zip(KEYS, (item['gt'] for item in single), strict=True))
    item = dataset[2]
    assert torch.equal(item['lq'], torch.stack([photos[key] for key in dataset.window('b/3')]))
    assert torch.equal(item['gt'], photos['b/3'])


@pytest.mark.parametrize('target', ['middle', 'all'])
def test_crops_and_turns_are_one_for_all_images_of_an_item(target: str, opt: dict[str, Any]):
    train = {**opt, 'phase': 'train', 'num_frame': 3, 'target': target, 'gt_size': 8}
    dataset = build_dataset({**train, 'use_hflip': True, 'use_rot': True})
    random.seed(0)
    items = [dataset[index] for index in [0, 1, 2, 3] * 8]
    for item in items:  # blurry and sharp images are the same here
        assert torch.equal(item['gt'], item['lq'] if target == 'all' else item['lq'][1])
    assert len({item['gt'].numpy().tobytes() for item in items}) == 32


def test_items_are_named_as_the_video_models_read_them(opt: dict[str, Any]):
    dataset = build_dataset({**opt, 'num_frame': 3})
    assert dataset.data_info['folder'] == ['b', 'b', 'b', 'c/d']
    assert [(item['folder'], item['idx']) for item in dataset] == [
        ('b', '0/3'),
        ('b', '1/3'),
        ('b', '2/3'),
        ('c/d', '0/1'),
    ]
    names = [item['lq_path'] for item in dataset]
    assert names[3] == 'c_d/1/c_d_1'
    assert len({Path(name).name for name in names}) == len(KEYS)
    alone = build_dataset({**opt, 'num_frame': 3, 'target': 'all'})
    assert alone.data_info['folder'] == [item['folder'] for item in alone] == list(KEYS)


@pytest.mark.parametrize(
    ('extra', 'match'),
    [
        ({'num_frame': 4}, 'datasets.val.num_frame: expected an odd number, found 4'),
        ({'phase': 'train'}, 'missing option gt_size'),
        ({'phase': 'train', 'gt_size': 20}, '20 does not fit the 24x16 image b/1'),
        ({'dataroot_spike': 'spike.lmdb'}, "unknown option 'dataroot_spike'"),
    ],
)
def test_wrong_options_are_refused(extra: dict[str, Any], match: str, opt: dict[str, Any]):
    with pytest.raises(OptionError, match=match):
        build_dataset({**opt, **extra})


def test_images_that_do_not_pair_are_refused(opt: dict[str, Any], tmp_path: Path):
    with pytest.raises(SpikeDataError, match='do not hold the same samples'):
        build_dataset({**opt, 'dataroot_gt': write(tmp_path / 'less.lmdb', KEYS[:2])})
    with pytest.raises(SpikeDataError, match=r'sharp image of b/1 is \(8, 8\), its blurry image \(16, 24\)'):
        build_dataset({**opt, 'dataroot_gt': write(tmp_path / 'small.lmdb', size=(8, 8))})
