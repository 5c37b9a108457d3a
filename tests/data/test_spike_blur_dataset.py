import pickle
import random
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from basicsr.data import build_dataloader, build_dataset

from spikereveal_plugin.data.augment import Symmetry, apply
from spikereveal_plugin.data.spike_blur_options import listed_keys
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.models.batch import batch_spikes
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.tfp import exposure_rate


def section(root: Path, split: str, phase: str, **extra: Any) -> dict[str, Any]:
    return {
        'name': 'tiny',
        'type': 'SpikeBlurDataset',
        'phase': phase,
        'dataroot_lq': str(root / split / 'blur.lmdb'),
        'dataroot_spike': str(root / split / 'spike.lmdb'),
        'io_backend': {'type': 'lmdb'},
        **extra,
    }


def ground_truth(root: Path) -> dict[str, str]:
    test = root / 'test'
    return {'dataroot_gt': str(test / 'sharp.lmdb'), 'dataroot_gt_sequence': str(test / 'sharp_sequence.lmdb')}


def test_train_item_needs_no_ground_truth(tiny_set: Path):
    item = build_dataset(section(tiny_set, 'train', 'train', gt_size=32, use_hflip=True, use_rot=True))[0]
    assert set(item) == {'lq', 'spike', 'exposure', 'lq_path'}
    assert item['lq'].shape == (3, 32, 32)
    assert item['lq'].dtype == torch.float32
    assert item['spike'].shape == (137, 8, 8)
    assert item['spike'].unique().tolist() == [0, 1]
    assert item['exposure'].tolist() == [20, 97]


def test_a_list_of_keys_chooses_samples(tiny_set: Path, tmp_path: Path):
    keys = build_dataset(section(tiny_set, 'train', 'val')).keys
    listed = tmp_path / 'keys.txt'
    listed.write_text(f'{keys[2]}\n\n{keys[0]} (64,96,3) 1\n')
    opt = section(tiny_set, 'train', 'val', meta_info_file=str(listed))
    assert build_dataset(opt).keys == (keys[2], keys[0])
    assert build_dataset(opt)[1]['lq_path'] == keys[0]
    for text, said in (
        ('gone', 'gone is no sample'),
        (f'{keys[0]}\n{keys[0]}', 'twice in it'),
        ('\n', 'lists no sample'),
    ):
        listed.write_text(text)
        with pytest.raises(OptionError, match=rf'datasets\.val\.meta_info_file: .*{said}'):
            build_dataset(opt)
    listed.unlink()
    with pytest.raises(OptionError, match='no such file'):
        build_dataset(opt)


def test_crops_of_image_and_spikes_show_the_same_place(tiny_set: Path):
    """The gray of every crop, reduced to the sensor, is the firing rate of its spikes (Eq. 5), however it is turned."""
    dataset = build_dataset(section(tiny_set, 'train', 'train', gt_size=48, use_hflip=True, use_rot=True))
    random.seed(0)
    small, rate = [], []
    for index in [0, 1, 2, 3] * 8:
        item = dataset[index]
        small.append(torch.nn.functional.avg_pool2d(gray(item['lq'][None]), 4))
        rate.append(exposure_rate(item['spike'][None], Exposure(20, 97)))
    differences = [
        (torch.cat(small) - turn(torch.cat(rate))).abs().mean()
        for turn in (lambda x: x, lambda x: x.flip(2), lambda x: x.flip(3))
    ]
    assert differences[0] < 0.02
    assert differences[0] < 0.6 * min(differences[1:])


def test_sharp_images_are_cropped_and_turned_as_the_blurry_one(tiny_set: Path):
    """With the blurry images themselves as sharp ones, and with a sequence whose middle is the sharp image."""
    train = {'gt_size': 32, 'use_hflip': True, 'use_rot': True}
    dataset = build_dataset(section(tiny_set, 'train', 'train', **train, dataroot_gt=str(tiny_set / 'train/blur.lmdb')))
    items = [dataset[index] for index in [0, 1, 2, 3] * 8]
    assert all(torch.equal(item['gt'], item['lq']) for item in items)
    assert len({item['gt'].numpy().tobytes() for item in items}) > 8
    dataset = build_dataset(section(tiny_set, 'test', 'train', **train, **ground_truth(tiny_set)))
    for item in [dataset[index] for index in [0, 1] * 8]:
        assert item['gt_instants'].tolist() == [20, 36, 52, 68, 84, 100, 116]
        assert torch.equal(item['gt_sequence'][3], item['gt'])
        assert not torch.equal(item['gt'], item['lq'])


def test_a_training_item_draws_some_of_its_sharp_frames(tiny_set: Path):
    train = {'gt_size': 64, 'gt_instants': 2}
    opt = section(
        tiny_set, 'test', 'train', **train, dataroot_gt_sequence=ground_truth(tiny_set)['dataroot_gt_sequence']
    )
    dataset, whole = build_dataset(opt), build_dataset(section(tiny_set, 'test', 'test', **ground_truth(tiny_set)))[0]
    drawn = set()
    for _ in range(20):
        item = dataset[0]
        assert item['gt_sequence'].shape == (2, 3, 64, 64)
        for readout, frame in zip(item['gt_instants'].tolist(), item['gt_sequence'], strict=True):
            sharp = whole['gt_sequence'][whole['gt_instants'].tolist().index(readout)]
            assert any(torch.equal(frame, sharp[:, :64, left : left + 64]) for left in range(0, 33, 4))
            drawn.add(readout)
    assert drawn == {20, 36, 52, 68, 84, 100, 116}
    with pytest.raises(OptionError, match='gt_instants: expected at least 1, found 0'):
        build_dataset(opt | {'gt_instants': 0})


def test_a_sharp_sequence_to_train_on_must_be_there(tiny_set: Path):
    sequence = {'dataroot_gt_sequence': str(tiny_set / 'test/sharp_sequence.lmdb')}
    dataset = build_dataset(section(tiny_set, 'train', 'train', gt_size=32, **sequence))
    with pytest.raises(SpikeDataError, match='dataroot_gt_sequence: no sharp sequence of'):
        dataset[0]


def test_augmentation_visits_all_eight_symmetries(tiny_set: Path):
    dataset = build_dataset(section(tiny_set, 'train', 'train', gt_size=64, use_hflip=True, use_rot=True))
    random.seed(0)
    whole = {dataset[0]['spike'].numpy().tobytes() for _ in range(400)}
    assert len(whole) > 8  # symmetries times places


@pytest.mark.parametrize('symmetry', [Symmetry(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)], ids=str)
def test_symmetries_commute_with_reduction(symmetry: Symmetry):
    image = np.arange(64).reshape(8, 8)
    blocks = image.reshape(4, 2, 4, 2).sum((1, 3))
    turned = apply(image, symmetry, (0, 1))
    np.testing.assert_array_equal(turned.reshape(4, 2, 4, 2).sum((1, 3)), apply(blocks, symmetry, (0, 1)))


def test_test_item_has_sharp_frames(tiny_set: Path):
    item = build_dataset(section(tiny_set, 'test', 'test', **ground_truth(tiny_set)))[1]
    assert item['lq'].shape == item['gt'].shape == (3, 64, 96)
    assert item['gt_sequence'].shape == (7, 3, 64, 96)
    assert item['gt_instants'].tolist() == [20, 36, 52, 68, 84, 100, 116]
    torch.testing.assert_close(item['gt_sequence'][3], item['gt'])


def first_batch(opt: dict[str, Any]) -> torch.Tensor:
    torch.manual_seed(0)
    return next(iter(build_dataloader(build_dataset(opt), opt, seed=3)))['lq']


def test_the_same_seed_gives_the_same_batches(tiny_set: Path):
    opt = section(tiny_set, 'train', 'train', gt_size=32, use_rot=True, batch_size_per_gpu=2, num_worker_per_gpu=1)
    batches = [
        next(iter(build_dataloader(build_dataset(opt), opt, seed=3)))['lq']
        for _ in range(2)
        if torch.manual_seed(0) is not None
    ]
    torch.testing.assert_close(*batches, rtol=0, atol=0)


def test_it_pickles_for_spawned_workers(tiny_set: Path):
    dataset = build_dataset(section(tiny_set, 'test', 'test'))
    torch.testing.assert_close(pickle.loads(pickle.dumps(dataset))[0]['lq'], dataset[0]['lq'])


@pytest.mark.parametrize(
    ('extra', 'match'),
    [
        ({}, 'missing option gt_size'),
        ({'gt_size': 30}, '30 is not a multiple of 4 that fits the 96x64 image'),
        ({'gt_size': 128}, '128 is not a multiple of 4 that fits the 96x64 image'),
        ({'gt_size': 32, 'io_backend': {'type': 'lmbd'}}, "expected lmdb or disk, found 'lmbd'"),
        ({'gt_size': 32, 'io_backend': {'typ': 'lmdb'}}, "unknown option 'typ'. Did you mean 'type'"),
    ],
)
def test_train_options_are_checked(tiny_set: Path, extra: dict[str, Any], match: str):
    with pytest.raises(OptionError, match=match):
        build_dataset(section(tiny_set, 'train', 'train', **extra))


def test_sets_that_differ_are_refused(tiny_set: Path):
    with pytest.raises(SpikeDataError, match='do not hold the same samples'):
        build_dataset(section(tiny_set, 'test', 'test') | {'dataroot_spike': str(tiny_set / 'train/spike.lmdb')})


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The authors' layout: three exposures of 13 frames, the first without spikes, sharp frames for one sequence."""
    generator = np.random.default_rng(0)
    for name in ('000006', '000019', '000032'):
        for kind in ('blur_data', 'sharp_data'):
            (tmp_path / kind / 'seq').mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / kind / 'seq' / f'{name}.png'), generator.integers(0, 256, (16, 24, 3), np.uint8))
        if name != '000006':
            write_vidar(tmp_path / 'spike_data/seq' / f'{name}.dat', generator.random((137, 4, 6)) < 0.5)
    for offset in (-6, -4, -2, 2, 4, 6):
        image = np.full((16, 24, 3), 100 + offset, np.uint8)
        cv2.imwrite(str(tmp_path / 'sharp_data/seq' / f'{19 + offset:06d}.png'), image)
    return tmp_path


def disk(folders: Path, **extra: Any) -> dict[str, Any]:
    return {
        'name': 'authors',
        'type': 'SpikeBlurDataset',
        'phase': 'test',
        'dataroot_lq': str(folders / 'blur_data'),
        'dataroot_spike': str(folders / 'spike_data'),
        'dataroot_gt': str(folders / 'sharp_data'),
        'io_backend': {'type': 'disk'},
        **extra,
    }


def test_the_authors_folders_are_read(folders: Path, caplog: pytest.LogCaptureFixture):
    from spikereveal_plugin.pipelines.log import root_logger

    root_logger().addHandler(caplog.handler)
    dataset = build_dataset(disk(folders))
    root_logger().removeHandler(caplog.handler)
    assert '1 photo(s) without spikes are left out, such as seq/000006' in caplog.text
    assert [dataset[i]['lq_path'] for i in range(len(dataset))] == ['seq/000019', 'seq/000032']
    blur = cv2.imread(str(folders / 'blur_data/seq/000019.png'))[:, :, ::-1]
    np.testing.assert_array_equal(dataset[0]['lq'].numpy().transpose(1, 2, 0), blur.astype(np.float32) / 255)
    assert dataset[0]['gt_instants'].tolist() == [20, 36, 52, 68, 84, 100, 116]
    assert dataset[0]['gt_sequence'][0].unique().tolist() == pytest.approx([94 / 255])
    assert 'gt_sequence' not in dataset[1]


def test_a_real_sample_of_the_authors_layout(shared: Path):
    root = shared / 'data/ssdm_layout/GOPRO/test'
    item = build_dataset(disk(root))[0]
    assert item['lq'].shape == (3, 720, 1280)
    assert item['spike'].shape == (137, 180, 320)
    small = torch.nn.functional.avg_pool2d(gray(item['lq'][None]), 4)
    rate = exposure_rate(item['spike'][None], Exposure(20, 97))
    assert np.corrcoef(small.flatten(), rate.flatten())[0, 1] > 0.99


def test_a_real_sample_of_rsb(shared: Path):
    root = shared / 'data/ssdm_layout/RSB'
    item = build_dataset(disk(root, dataroot_gt=None, exposure=[0, 400]))[0]
    assert item['lq'].shape == (3, 1000, 1600)
    assert item['spike'].shape == (400, 250, 400)
    assert item['exposure'].tolist() == [0, 400]


def test_a_truncated_recording_is_named(folders: Path):
    path = folders / 'spike_data/seq/000019.dat'
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(SpikeDataError, match='000019.dat'):
        build_dataset(disk(folders))[0]


def test_a_missing_sharp_image_is_named(folders: Path):
    (folders / 'sharp_data/seq/000032.png').unlink()
    with pytest.raises(SpikeDataError, match='no sharp image for seq/000032'):
        build_dataset(disk(folders))


def test_folders_without_a_common_sample_are_refused(folders: Path, tmp_path: Path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(SpikeDataError, match='no sample in common'):
        build_dataset(disk(folders, dataroot_spike=str(tmp_path / 'empty')))


def test_a_raised_threshold_is_observed_as_such(tiny_set: Path):
    """A crop thinned by 4 has a quarter of the spikes; `density_ratio` brings it back to the gray of the photo."""
    dataset = build_dataset(section(tiny_set, 'train', 'train', gt_size=64, density='auto', thresholds=[4]))
    random.seed(0)
    item = dataset[0]
    rate = exposure_rate(item['spike'][None], Exposure(20, 97))
    assert gray(item['lq'][None]).mean() / rate.mean() == pytest.approx(float(item['density_ratio']), rel=0.06)
    assert float(item['density_ratio']) == pytest.approx(4, rel=0.05)
    batch = {'spike': item['spike'][None], 'density_ratio': item['density_ratio'][None]}
    dense = batch_spikes(batch, torch.device('cpu'))
    assert exposure_rate(dense, Exposure(20, 97)).mean() == pytest.approx(
        float(gray(item['lq'][None]).mean()), rel=0.06
    )


def test_thresholds_are_drawn_from_the_list(tiny_set: Path):
    dataset = build_dataset(section(tiny_set, 'train', 'train', gt_size=32, density='auto', thresholds=[1, 2, 4]))
    random.seed(0)
    ratios = {round(float(dataset[index % 4]['density_ratio'])) for index in range(24)}
    assert ratios == {1, 2, 4}


def test_noise_is_added_after_the_threshold_was_raised(tiny_set: Path):
    """The spoilt stream keeps its light: its rate times `density_ratio` is the gray of the photo."""
    spoilt = {'density': 'auto', 'thresholds': [2], 'noise_spikes': 0.1}
    dataset = build_dataset(section(tiny_set, 'train', 'train', gt_size=64, **spoilt))
    random.seed(0)
    item = dataset[0]
    thinned, recorded = item['spike'].float().mean(), item['recorded'].float().mean()
    assert float(thinned) == pytest.approx(float(recorded / 2 + 0.1 * (1 - recorded / 2)), rel=0.05)
    rate = exposure_rate(item['spike'][None], Exposure(20, 97)).mean()
    assert float(rate * item['density_ratio']) == pytest.approx(float(gray(item['lq'][None]).mean()), rel=0.06)
    assert float(item['recorded_density_ratio']) == pytest.approx(dataset.density_ratio(dataset.keys[0]))


def test_the_recorded_spikes_are_those_of_the_same_crop(tiny_set: Path):
    plain = build_dataset(section(tiny_set, 'train', 'train', gt_size=32, use_rot=True))
    spoilt = build_dataset(section(tiny_set, 'train', 'train', gt_size=32, use_rot=True, noise_spikes=0.2))
    random.seed(3)
    expected = plain[1]
    random.seed(3)
    item = spoilt[1]
    assert torch.equal(item['recorded'], expected['spike'])
    assert torch.equal(item['lq'], expected['lq'])
    assert (item['spike'] >= item['recorded']).all()
    assert item['spike'].unique().tolist() == [0, 1]
    assert not torch.equal(item['spike'], item['recorded'])
    assert 'recorded' not in expected


def test_pixels_in_step_keep_the_same_spikes_of_each(tiny_set: Path):
    """Every second spike of each pixel, counted from the first or, of all pixels, from the second."""
    dataset = build_dataset(section(tiny_set, 'train', 'train', gt_size=32, thresholds=[2], in_step=1.0))
    random.seed(0)
    item = dataset[0]
    order = item['recorded'].cumsum(0)
    kept = {int(parity) for parity in (order[item['spike'].bool()] % 2).unique()}
    assert len(kept) == 1
    own = build_dataset(section(tiny_set, 'train', 'train', gt_size=32, thresholds=[2]))[0]
    assert len((own['recorded'].cumsum(0)[own['spike'].bool()] % 2).unique()) == 2


def test_without_density_an_item_has_no_ratio(tiny_set: Path):
    item = build_dataset(section(tiny_set, 'train', 'train', gt_size=32, thresholds=[4]))[0]
    assert 'density_ratio' not in item


@pytest.mark.parametrize(
    ('phase', 'extra', 'match'),
    [
        ('train', {'density': 'atuo'}, 'density'),
        ('train', {'density': 0.0}, 'got 0.0'),
        ('train', {'thresholds': [0, 1]}, r'thresholds: .* found \[0, 1\]'),
        ('val', {'thresholds': [1, 2]}, 'only training draws'),
        ('val', {'noise_spikes': 0.1}, 'only training draws'),
        ('train', {'noise_spikes': 1.0}, r'noise_spikes: .* found 1.0'),
        ('train', {'in_step': 1.5}, r'in_step: .* found 1.5'),
    ],
)
def test_densities_that_mean_nothing_are_refused(tiny_set: Path, phase: str, extra: dict[str, Any], match: str):
    with pytest.raises(OptionError, match=match):
        build_dataset(section(tiny_set, 'train', phase, gt_size=32, **extra))


@pytest.mark.parametrize('form', ['{}', '{}.png', '{} 1', '{}.png (720,1280,3)', '{}.png (720,1280,3) 1', '  {}  '])
@pytest.mark.parametrize('start', ['', '\ufeff'])
def test_lists_in_every_form_that_basicsrs_tools_write(form, start, tmp_path):
    keys = ('clip.a/000019', 'clip.b/1.5')
    (tmp_path / 'list.txt').write_text(start + '\n'.join(form.format(key) for key in keys) + '\n\n', encoding='utf-8')
    assert listed_keys(tmp_path / 'list.txt', keys, 'datasets.train') == keys
