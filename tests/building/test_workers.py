"""Items are the same from any kind of worker process, in every epoch, with the teacher's cache too."""

import shutil
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from spikereveal_plugin.data import SpikeBlurDataset
from spikereveal_plugin.data.augment import Symmetry, apply, undo
from spikereveal_plugin.data.epoch_sampler import EpochSampler
from spikereveal_plugin.data.seeded_dataset import SeededDataset
from spikereveal_plugin.data.teacher_cache import TeacherCacheWriter
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdbWriter
from spikereveal_plugin.recordings.image_lmdb import ImageLmdbWriter

EPOCHS = 3


def options(root: Path, **extra: Any) -> dict[str, Any]:
    return {
        'name': 'tiny',
        'type': 'SpikeBlurDataset',
        'phase': 'train',
        'dataroot_lq': str(root / 'blur.lmdb'),
        'dataroot_spike': str(root / 'spike.lmdb'),
        'io_backend': {'type': 'lmdb'},
        'gt_size': 16,
        'use_hflip': True,
        'use_rot': True,
        **extra,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tmp_path = tmp_path / 'set'
    generator = np.random.default_rng(0)
    with ImageLmdbWriter(tmp_path / 'blur.lmdb') as blur, SpikeLmdbWriter(tmp_path / 'spike.lmdb') as spike:
        for key in ('a/0', 'a/1', 'b/0', 'b/1'):
            blur.put(key, generator.integers(0, 256, (24, 40, 3), np.uint8))
            spike.put(key, generator.random((137, 6, 10)) < 0.4, 20, 97)
    origin = {'spikes': SpikeBlurDataset(options(tmp_path)).fingerprint()}
    with TeacherCacheWriter(tmp_path / 'teacher.lmdb', origin, 'float32') as teacher:
        for key in ('a/0', 'a/1', 'b/0', 'b/1'):
            for instant in (20, 116):
                teacher.put(key, instant, generator.random((24, 40), np.float32))
    return tmp_path


def epochs(dataset: SpikeBlurDataset, **workers: Any) -> list[dict[str, Any]]:
    sampler = EpochSampler(len(dataset), 2)
    loader = DataLoader(SeededDataset(dataset, 0), 2, sampler=sampler, **workers)
    batches = []
    for epoch in range(EPOCHS):
        sampler.go_to(epoch)
        batches += list(loader)
    return batches


@pytest.mark.parametrize(('context', 'workers'), [('fork', 2), ('spawn', 1)])
def test_workers_bring_what_this_process_reads(root: Path, context: str, workers: int):
    dataset = SpikeBlurDataset(options(root, dataroot_teacher=str(root / 'teacher.lmdb'), teacher_instants=2))
    here = epochs(dataset)  # the LMDB is open in this process before it forks
    there = epochs(dataset, num_workers=workers, persistent_workers=True, multiprocessing_context=context)
    assert len(here) == len(there) == 2 * EPOCHS
    for expected, found in zip(here, there, strict=True):
        assert expected['lq_path'] == found['lq_path']
        for key in ('lq', 'spike', 'exposure', 'teacher_gain', 'teacher_instants'):
            assert torch.equal(expected[key], found[key])
    assert len({batch['lq'].numpy().tobytes() for batch in here}) == len(here)


@pytest.mark.parametrize('name', ['blur', 'spike', 'teacher'])
def test_a_corrupt_record_names_itself_out_of_a_worker(root: Path, name: str):
    shutil.copytree(root, root.with_name('broken'))
    path = root.with_name('broken') / f'{name}.lmdb'
    with lmdb.open(str(path)) as environment, environment.begin(write=True) as transaction:
        key = b'b/0/116' if name == 'teacher' else b'b/0'
        transaction.put(key, transaction.get(key)[:-5])
    dataset = SpikeBlurDataset(
        options(path.parent, dataroot_teacher=str(path.parent / 'teacher.lmdb')) | {'teacher_instants': 2}
    )
    with pytest.raises(SpikeDataError, match=rf"{name}\.lmdb: '{key.decode()}'"):
        epochs(dataset, num_workers=1, multiprocessing_context='fork')


@pytest.mark.parametrize('symmetry', [Symmetry(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)], ids=str)
def test_undo_is_the_view_that_apply_turns(symmetry: Symmetry):
    array, turned = np.arange(50).reshape(2, 5, 5), np.empty((2, 5, 5), int)
    undo(turned, symmetry, (1, 2))[...] = array
    np.testing.assert_array_equal(turned, apply(array, symmetry, (1, 2)))
