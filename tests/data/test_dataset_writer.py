import json

import numpy as np
import pytest

from spikereveal_plugin.data.dataset_writer import DatasetWriter, read_manifest
from spikereveal_plugin.data.exposure_builder import Capture, Sample
from spikereveal_plugin.data.image_lmdb import ImageLmdb
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb


def sample(value=0):
    rng = np.random.default_rng(value)
    images = rng.integers(0, 256, (9, 16, 32, 3), np.uint8)
    sequence = dict(zip(Capture().sharp_readouts, images[2:], strict=True))
    return Sample(images[0], rng.random((137, 4, 8)) < 0.3, images[1], sequence)


def build(out, value=0, overwrite=False):
    with DatasetWriter(out, Capture(), overwrite=overwrite) as writer:
        writer.put('train', 'walk', '000019', sample(value))
        writer.put('test', 'run', '000019', sample(value + 1))
        writer.put('test', 'run', '000032', sample(value + 2))
        return writer.finish('test', seed=4, parameters={'factor': 8})


def test_everything_is_read_back(tmp_path):
    root = build(tmp_path / 'deep/set')
    expected = sample(2)
    np.testing.assert_array_equal(ImageLmdb(root / 'test/blur.lmdb').read('run/000032'), expected.blur)
    np.testing.assert_array_equal(ImageLmdb(root / 'test/sharp.lmdb').read('run/000032'), expected.sharp)
    spikes = SpikeLmdb(root / 'test/spike.lmdb')
    np.testing.assert_array_equal(spikes.read('run/000032'), expected.spikes)
    assert (spikes.records['run/000032'].exposure_first, spikes.records['run/000032'].exposure_length) == (20, 97)
    sequence = ImageLmdb(root / 'test/sharp_sequence.lmdb')
    assert [key for key in sequence.keys if '000032' in key] == [
        f'run/000032/{readout:03d}' for readout in (20, 36, 52, 68, 84, 100, 116)
    ]
    np.testing.assert_array_equal(sequence.read('run/000032/052'), expected.sharp_sequence[52])
    assert not (root / 'train/sharp_sequence.lmdb').exists()
    assert [path.name for path in root.parent.iterdir()] == ['set']


def test_the_manifest_says_how(tmp_path):
    manifest = read_manifest(build(tmp_path / 'set'))
    assert manifest['splits'] == {
        'train': {'samples': 1, 'sequences': {'walk': 1}},
        'test': {'samples': 2, 'sequences': {'run': 2}},
    }
    assert manifest['seed'] == 4
    assert manifest['parameters'] == {'factor': 8}
    assert manifest['capture']['exposure_length'] == 97
    assert set(manifest['versions']) == {'spikereveal_plugin', 'numpy', 'opencv'}


def break_off(out, overwrite=False):
    with DatasetWriter(out, Capture(), overwrite=overwrite) as writer:
        writer.put('train', 'walk', '000019', sample())
        raise KeyboardInterrupt


def test_a_failed_build_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        break_off(tmp_path / 'set')
    assert list(tmp_path.iterdir()) == []


def test_a_failed_build_leaves_the_old_set(tmp_path):
    root = build(tmp_path / 'set')
    with pytest.raises(KeyboardInterrupt):
        break_off(root, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ['set']
    assert read_manifest(root)['splits']['test']['samples'] == 2


def test_an_empty_split_is_refused(tmp_path):
    def build_half():
        with DatasetWriter(tmp_path / 'set', Capture()) as writer:
            writer.put('train', 'walk', '000019', sample())
            writer.finish('test', seed=0, parameters={})

    with pytest.raises(SpikeDataError, match='the test split would hold no sample'):
        build_half()
    assert list(tmp_path.iterdir()) == []


def test_a_set_is_replaced_only_when_asked(tmp_path):
    root = build(tmp_path / 'set')
    with pytest.raises(SpikeDataError, match='set is not empty; choose another folder, or replace it with --overwrite'):
        build(root)
    build(root, value=5, overwrite=True)
    np.testing.assert_array_equal(ImageLmdb(root / 'train/blur.lmdb').read('walk/000019'), sample(5).blur)


def test_a_folder_that_is_no_data_set_is_never_replaced(tmp_path):
    (tmp_path / 'thesis.tex').write_text('years of work')
    with pytest.raises(SpikeDataError, match=r'holds no dataset\.json, so it is not replaced'):
        build(tmp_path, overwrite=True)
    with pytest.raises(SpikeDataError, match='is a file'):
        build(tmp_path / 'thesis.tex')
    assert (tmp_path / 'thesis.tex').read_text() == 'years of work'


def test_an_empty_folder_and_an_interrupted_build_are_no_obstacle(tmp_path):
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set.partial/train/blur.lmdb.partial').mkdir(parents=True)
    build(tmp_path / 'set')
    assert [path.name for path in tmp_path.iterdir()] == ['set']


def test_a_foreign_partial_folder_is_left_alone(tmp_path):
    (tmp_path / 'set.partial/mine').mkdir(parents=True)
    with pytest.raises(SpikeDataError, match='is in the way and is no unfinished data set'):
        build(tmp_path / 'set')
    assert (tmp_path / 'set.partial/mine').is_dir()


def test_manifests_of_other_forms_are_refused(tmp_path):
    with pytest.raises(SpikeDataError, match='no readable manifest'):
        read_manifest(tmp_path)
    (tmp_path / 'dataset.json').write_text(json.dumps({'format': 2}))
    with pytest.raises(SpikeDataError, match='format 2, expected 1'):
        read_manifest(tmp_path)
