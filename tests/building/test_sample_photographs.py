import numpy as np
import pytest

from spikereveal_plugin.building.dataset_writer import read_manifest
from spikereveal_plugin.building.photographs import TEST_PHOTOS, TRAIN_PHOTOS
from spikereveal_plugin.building.sample_photographs import SampleOptions, sample_photographs
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb
from spikereveal_plugin.recordings.light import sensor_light

SMALL = SampleOptions(train=len(TRAIN_PHOTOS), test=3, height=64, width=96, threshold=1.0)


@pytest.fixture(scope='module')
def sample_set(tmp_path_factory):
    return sample_photographs(tmp_path_factory.mktemp('sample') / 'set', SMALL)


def test_each_photograph_is_used(sample_set):
    assert ImageLmdb(sample_set / 'test/blur.lmdb').keys == ('chelsea/000000', 'coffee/000000', 'coffee/000001')
    assert set(read_manifest(sample_set)['splits']['train']['sequences']) == {name[:-4] for name in TRAIN_PHOTOS}
    assert not set(TRAIN_PHOTOS) & set(TEST_PHOTOS)


def test_spikes_tell_the_brightness_of_the_blur(sample_set):
    blur, spikes = ImageLmdb(sample_set / 'test/blur.lmdb'), SpikeLmdb(sample_set / 'test/spike.lmdb')
    for key in blur.keys:
        gray, rate = sensor_light(blur.read(key)), spikes.read(key, start=20, stop=117).mean(axis=0)
        assert np.corrcoef(gray.ravel(), rate.ravel())[0, 1] > 0.98  # Eq. 5
        expected = gray.mean() / SMALL.threshold
        inherent_noise = (1 - expected) / 140  # a spike in 140 readouts, unless there is one already
        assert rate.mean() == pytest.approx(expected + inherent_noise, rel=0.05)


def test_the_blur_lies_between_the_sharp_frames(sample_set):
    blur, sharp = ImageLmdb(sample_set / 'test/blur.lmdb'), ImageLmdb(sample_set / 'test/sharp.lmdb')
    sequence = ImageLmdb(sample_set / 'test/sharp_sequence.lmdb')
    for key in blur.keys:
        image, middle = blur.read(key).astype(float), sharp.read(key).astype(float)
        np.testing.assert_array_equal(middle, sequence.read(f'{key}/068'))
        assert np.abs(np.diff(image, axis=1)).mean() < 0.8 * np.abs(np.diff(middle, axis=1)).mean()
        ends = [sequence.read(f'{key}/{readout:03d}').astype(float) for readout in (20, 116)]
        assert np.abs(image - middle).mean() < np.abs(ends[0] - ends[1]).mean()


def test_a_seed_gives_the_same_set(sample_set, tmp_path):
    again = sample_photographs(tmp_path / 'again', SampleOptions(train=1, test=1, height=64, width=96))
    other = sample_photographs(tmp_path / 'other', SampleOptions(train=1, test=1, height=64, width=96, seed=1))
    first, second, third = (
        ImageLmdb(root / 'test/blur.lmdb').read('coffee/000000') for root in (sample_set, again, other)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != third).any()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'test': 0}, '48 training and 0 test samples: expected at least one of each'),
        ({'height': 100}, 'size 100x384: expected multiples of 16'),
        ({'width': 0}, 'size 256x0: expected multiples of 16'),
        ({'travel': (30.0, 20.0)}, r'travel \(30\.0, 20\.0\): expected the shortest path'),
        ({'threshold': -1.0}, 'threshold -1.0: expected a positive number'),
    ],
)
def test_impossible_options_are_refused(change, message):
    with pytest.raises(OptionError, match=message):
        SampleOptions(**change)
