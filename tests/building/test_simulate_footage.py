import logging
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from spikereveal_plugin.building.sensor_maps import save_pattern
from spikereveal_plugin.building.simulate_footage import SimulateOptions, simulate_footage
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.physics.fixed_pattern import FixedPattern
from spikereveal_plugin.recordings.image_file import save_image
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb
from spikereveal_plugin.recordings.light import sensor_light
from spikereveal_plugin.recordings.manifest import read_manifest


def moving_frames(count, height=32, width=48, seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (height, width + 2 * count, 3)).astype(np.float32)
    scene = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return [np.ascontiguousarray(scene[:, 2 * index : 2 * index + width]) for index in range(count)]


def write_sequence(folder, count, **kwargs):
    frames = moving_frames(count, **kwargs)
    for index, frame in enumerate(frames):
        save_image(folder / f'{index}.png', frame)
    return frames


def mix(first, second, steps):
    """The simplest interpolator, so that the expectation can be computed in one line."""
    for step in range(steps):
        yield (first * (1 - step / steps) + second * (step / steps)).astype(np.float32)


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """Two sequences at factor 32: three exposures to train on, two to test on."""
    root = tmp_path_factory.mktemp('footage')
    frames = {name: write_sequence(root / 'in' / name, count, seed=count) for name, count in (('a', 17), ('b', 13))}
    options = SimulateOptions(factor=32, test=('b',))
    return simulate_footage([root / 'in'], root / 'out', options, mix), frames, root


def test_names_and_splits(built):
    out, _, _ = built
    assert ImageLmdb(out / 'train/blur.lmdb').keys == ('a/000006', 'a/000010', 'a/000014')[:3]
    assert ImageLmdb(out / 'test/blur.lmdb').keys == ('b/000006', 'b/000010')
    assert SpikeLmdb(out / 'test/spike.lmdb').keys == ('b/000006', 'b/000010')


@pytest.mark.parametrize('exposure', [1, 2])
def test_a_sample_is_what_the_readouts_give(built, exposure):
    out, frames, _ = built
    stream = np.stack([frame for first, second in pairwise(frames['b']) for frame in mix(first, second, 32)])
    first = exposure * 4 * 32
    key = f'b/{4 * exposure + 2:06d}'
    blur = ImageLmdb(out / 'test/blur.lmdb').read(key)
    assert np.abs(blur - stream[first : first + 97].mean(axis=0)).max() <= 0.5 + 1e-3
    sequence = ImageLmdb(out / 'test/sharp_sequence.lmdb')
    for readout in (20, 36, 52, 68, 84, 100, 116):
        expected = np.rint(stream[first + readout - 20])
        np.testing.assert_array_equal(sequence.read(f'{key}/{readout:03d}'), expected)
    np.testing.assert_array_equal(sequence.read(f'{key}/020'), frames['b'][4 * exposure])
    np.testing.assert_array_equal(ImageLmdb(out / 'test/sharp.lmdb').read(key), sequence.read(f'{key}/068'))
    light = np.stack([sensor_light(frame) for frame in stream[first - 20 : first + 117]])
    spikes = SpikeLmdb(out / 'test/spike.lmdb').read(key)
    assert spikes.shape == (137, 8, 12)
    for window in (np.s_[:45], np.s_[45:90], np.s_[90:]):  # rate follows light within one spike, plus noise
        assert np.abs(spikes[window].sum(axis=0) - 0.993 * light[window].sum(axis=0)).mean() < 0.8


def test_the_order_of_sequences_changes_nothing(built):
    out, _, root = built
    options = SimulateOptions(factor=32, test=('b',))
    again = simulate_footage([root / 'in/b', root / 'in/a'], root / 'again', options, mix)
    for key in ('b/000006', 'b/000010'):
        np.testing.assert_array_equal(
            SpikeLmdb(out / 'test/spike.lmdb').read(key), SpikeLmdb(again / 'test/spike.lmdb').read(key)
        )


def test_the_manifest_repeats_the_options(built):
    out, _, _ = built
    manifest = read_manifest(out)
    assert manifest['source'] == 'spikereveal data simulate'
    parameters = manifest['parameters']
    assert (parameters['factor'], parameters['originals_per_exposure'], parameters['test']) == (32, 4, ['b'])
    size = sum(file.stat().st_size for file in (built[2] / 'in/b').iterdir())
    stated = {'file': 'b', 'bytes': size, 'frames': 13, 'resized': [32, 48], 'size': [32, 48]}
    assert parameters['footage']['b'] == stated


def test_published_factor_with_optical_flow_keeps_originals(tmp_path):
    frames = write_sequence(tmp_path / 'in/walk', 43, height=32, width=32)
    out = simulate_footage([tmp_path / 'in'], tmp_path / 'out', SimulateOptions(flow='ultrafast', noise=False))
    assert ImageLmdb(out / 'train/blur.lmdb').keys == ('walk/000019',)
    assert ImageLmdb(out / 'test/blur.lmdb').keys == ('walk/000032',)
    np.testing.assert_array_equal(ImageLmdb(out / 'train/sharp.lmdb').read('walk/000019'), frames[19])
    sequence = ImageLmdb(out / 'test/sharp_sequence.lmdb')
    for number, readout in enumerate((20, 36, 52, 68, 84, 100, 116)):
        np.testing.assert_array_equal(sequence.read(f'walk/000032/{readout:03d}'), frames[26 + 2 * number])


@pytest.mark.parametrize('factor', [8, 16])
def test_footage_interpolated_already_gives_the_published_exposures(tmp_path, factor):
    """97 readouts, a step of 104 at factor 8, 20 on either side, names by the middle original frame."""
    originals = 96 // factor + 1
    step = originals * factor
    frames = write_sequence(tmp_path / 'in/walk', 2 * step + 117, height=32, width=32)
    options = SimulateOptions(factor=factor, interpolated=True)
    out = simulate_footage([tmp_path / 'in'], tmp_path / 'out', options)
    names = [f'walk/{index * originals + originals // 2:06d}' for index in (1, 2)]
    assert factor != 8 or names == ['walk/000019', 'walk/000032']
    for split, name, first in (('train', names[0], step), ('test', names[1], 2 * step)):
        blur = ImageLmdb(out / split / 'blur.lmdb')
        assert blur.keys == (name,)
        assert np.abs(blur.read(name) - np.mean(frames[first : first + 97], axis=0)).max() <= 0.5 + 1e-3
        np.testing.assert_array_equal(ImageLmdb(out / split / 'sharp.lmdb').read(name), frames[first + 48])
        light = np.stack([sensor_light(frame) for frame in frames[first - 20 : first + 117]])
        spikes = SpikeLmdb(out / split / 'spike.lmdb').read(name)
        assert np.abs(spikes.sum(axis=0) - 0.993 * light.sum(axis=0)).mean() < 1.5
    parameters = read_manifest(out)['parameters']
    assert (parameters['interpolated'], parameters['interpolator']) == (True, None)


def test_one_interpolated_frame_less_is_one_exposure_less(tmp_path):
    write_sequence(tmp_path / 'in/walk', 104 + 116, height=32, width=32)
    with pytest.raises(SpikeDataError, match=r'220 frames \(interpolated\), factor 8 needs at least 221'):
        simulate_footage([tmp_path / 'in'], tmp_path / 'out', SimulateOptions(interpolated=True))


def test_raw_and_interpolated_footage_of_one_scene_agree(built, tmp_path):
    out, frames, _ = built
    for name, originals in frames.items():
        stream = [frame for pair in pairwise(originals) for frame in mix(*pair, 32)] + [originals[-1]]
        for index, frame in enumerate(stream):
            save_image(tmp_path / 'in' / name / f'{index:05d}.png', np.rint(frame).astype(np.uint8))
    options = SimulateOptions(factor=32, test=('b',), interpolated=True)
    again = simulate_footage([tmp_path / 'in'], tmp_path / 'again', options)
    for split in ('train', 'test'):
        first, second = (ImageLmdb(root / split / 'blur.lmdb') for root in (out, again))
        assert first.keys == second.keys
        for key in first.keys:
            assert np.abs(first.read(key).astype(int) - second.read(key)).max() <= 1  # frames were rounded
            pair = [SpikeLmdb(root / split / 'spike.lmdb').read(key) for root in (out, again)]
            assert (pair[0] != pair[1]).mean() < 0.03


def test_cropping_is_said(tmp_path, caplog):
    write_sequence(tmp_path / 'in/walk', 14, height=40, width=50)
    with caplog.at_level(logging.INFO, 'spikereveal'):
        out = simulate_footage([tmp_path / 'in'], tmp_path / 'out', SimulateOptions(factor=32), mix)
    assert 'frames of 40x50 (height x width) are cut to their middle 32x48' in caplog.text
    assert read_manifest(out)['parameters']['footage']['walk']['size'] == [32, 48]
    assert ImageLmdb(out / 'train/blur.lmdb').shapes == {'walk/000006': (32, 48)}


def test_a_frame_that_breaks_late_leaves_what_was_finished(tmp_path):
    write_sequence(tmp_path / 'in/walk', 14)
    (tmp_path / 'in/walk/11.png').write_bytes(b'torn')
    with pytest.raises(SpikeDataError, match=r'11\.png: not a readable image'):
        simulate_footage([tmp_path / 'in'], tmp_path / 'out', SimulateOptions(factor=32), mix)
    assert [path.stem for path in tmp_path.glob('out.partial/records/train/finished/walk/*')] == ['000006']


def test_short_footage_is_refused_before_work_starts(tmp_path):
    write_sequence(tmp_path / 'in/walk', 8)
    with pytest.raises(SpikeDataError, match='walk: 8 frames, factor 32 needs at least 9'):
        simulate_footage([tmp_path / 'in'], tmp_path / 'out', SimulateOptions(factor=32), mix)
    assert [path.name for path in tmp_path.iterdir()] == ['in']


def test_impossible_options_are_refused():
    with pytest.raises(OptionError, match='threshold 0: expected a positive number'):
        SimulateOptions(threshold=0)
    with pytest.raises(OptionError, match=r'resize \(0, 10\)'):
        SimulateOptions(resize=(0, 10))


def test_a_real_sensors_options_reach_the_data_set(tmp_path):
    write_sequence(tmp_path / 'in/walk', 14)
    save_pattern(tmp_path / 'maps.npz', FixedPattern(torch.full((20, 30), 0.5), torch.zeros(20, 30)))
    options = SimulateOptions(factor=32, ratio=2, noise=False, fixed_pattern=tmp_path / 'maps.npz', linear_light=True)
    out = simulate_footage([tmp_path / 'in'], tmp_path / 'out', options, mix)
    spikes = SpikeLmdb(out / 'test/spike.lmdb')
    assert spikes.records[spikes.keys[0]].shape == (137, 16, 24)
    blur = ImageLmdb(out / 'test/blur.lmdb').read(spikes.keys[0])
    light = sensor_light(blur, 2, linear_light=True).mean().item()
    assert spikes.read(spikes.keys[0]).mean() == pytest.approx(0.5 * light, rel=0.05)
    manifest = read_manifest(out)
    assert manifest['capture']['linear_light'] is True
    assert manifest['parameters']['fixed_pattern']['file'] == 'maps.npz'


def test_maps_that_are_too_small_are_refused_before_work_starts(tmp_path):
    write_sequence(tmp_path / 'in/walk', 14)
    save_pattern(tmp_path / 'maps.npz', FixedPattern(torch.ones(4, 4), torch.zeros(4, 4)))
    options = SimulateOptions(factor=32, fixed_pattern=tmp_path / 'maps.npz')
    with pytest.raises(SpikeDataError, match='maps of 4x4 pixels are smaller than the simulated sensor, 8x12'):
        simulate_footage([tmp_path / 'in'], tmp_path / 'out', options, mix)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'ratio': 0}, 'ratio 0: expected'),
        ({'dark_current': 1.0}, 'dark_current must be in'),
        ({'shot_electrons': -1.0}, 'shot_electrons must be finite'),
        ({'interpolator': 'flow'}, "interpolator 'flow': expected dis, rife or xvfi"),
        ({'interpolator': 'xvfi'}, "interpolator_weights: the authors' checkpoint goes with the interpolator xvfi"),
        ({'interpolator_weights': Path('x.pt')}, 'interpolator_weights: .* and only with it'),
    ],
)
def test_impossible_sensors_are_refused(fields, message):
    with pytest.raises(OptionError, match=message):
        SimulateOptions(**fields)
