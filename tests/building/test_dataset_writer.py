import errno
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spikereveal_plugin.building.dataset_writer import DatasetWriter
from spikereveal_plugin.building.exposure_builder import Capture, Sample
from spikereveal_plugin.building.partial_set import PartialSet
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.lmdb_store import LmdbWriter
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb
from spikereveal_plugin.recordings.manifest import BuildPlan, read_manifest


def sample(value=0):
    rng = np.random.default_rng(value)
    images = rng.integers(0, 256, (9, 16, 32, 3), np.uint8)
    sequence = dict(zip(Capture().sharp_readouts, images[2:], strict=True))
    return Sample(images[0], rng.random((137, 4, 8)) < 0.3, Exposure(), images[1], sequence)


WANTED = (('train', 'walk', '000019'), ('test', 'run', '000019'), ('test', 'run', '000032'))


def plan(factor=8):
    return BuildPlan('test', 4, {'factor': factor}, Capture().as_json())


def build(out, value=0, overwrite=False, order=1, the_plan=None):
    with DatasetWriter(out, the_plan or plan(), overwrite=overwrite) as writer:
        for number, key in list(enumerate(WANTED))[::order]:
            if not writer.has(*key):
                writer.put(*key, sample(value + number))
        return writer.finish()


def stop_early(out, error, the_plan=None, overwrite=False):
    """Put the first sample, then end by an error."""

    def run():
        with DatasetWriter(out, the_plan or plan(), overwrite=overwrite) as writer:
            writer.put(*WANTED[0], sample())
            raise error

    with pytest.raises(type(error)):
        run()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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
    assert set(manifest['versions']) == {'spikereveal_plugin', 'numpy', 'opencv', 'torch'}
    blur = (ImageLmdb(tmp_path / 'set/train/blur.lmdb').read('walk/000019')).tobytes()
    assert manifest['checksums']['train']['blur'] == {
        'walk/000019': hashlib.sha256(b'P6\n32 16\n255\n' + blur).hexdigest()
    }
    assert list(manifest['checksums']['test']['sharp_sequence'])[:2] == ['run/000019/020', 'run/000019/036']


def test_equal_samples_give_equal_bytes_in_any_order(bytes_of, tmp_path):
    assert bytes_of(build(tmp_path / 'a')) == bytes_of(build(tmp_path / 'b', order=-1))


@pytest.mark.parametrize('error', [KeyboardInterrupt(), SpikeDataError('a torn frame')])
def test_what_was_finished_is_kept_and_not_made_again(bytes_of, tmp_path, error):
    stop_early(tmp_path / 'set', error)
    assert names(tmp_path) == ['set.partial']
    with DatasetWriter(tmp_path / 'set', plan()) as writer:
        assert [writer.has(*key) for key in WANTED] == [True, False, False]
    assert bytes_of(build(tmp_path / 'set')) == bytes_of(build(tmp_path / 'whole'))
    assert names(tmp_path) == ['set', 'whole']


def test_an_error_before_the_first_sample_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), DatasetWriter(tmp_path / 'set', plan()):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_failed_build_leaves_the_old_set(bytes_of, tmp_path):
    root = build(tmp_path / 'set')
    before = bytes_of(root)
    stop_early(root, KeyboardInterrupt(), plan(16), overwrite=True)
    assert bytes_of(root) == before


def test_an_unfinished_set_of_another_command_is_refused_with_what_differs(tmp_path):
    stop_early(tmp_path / 'set', KeyboardInterrupt())
    match = r'begun by another command \(parameters\.factor is 8, here 16\); finish it with that one, or start again'
    with pytest.raises(SpikeDataError, match=match):
        build(tmp_path / 'set', the_plan=plan(16))
    with DatasetWriter(tmp_path / 'set', plan(16), overwrite=True) as writer:
        assert not writer.has(*WANTED[0])


def test_the_same_command_may_be_given_again_to_a_whole_set(bytes_of, tmp_path):
    root = build(tmp_path / 'set')
    before = bytes_of(root)
    with DatasetWriter(root, plan()) as writer:
        assert all(writer.has(*key) for key in WANTED)
        assert writer.finish() == root
    assert bytes_of(root) == before


def test_two_processes_do_not_build_one_set(tmp_path):
    with DatasetWriter(tmp_path / 'set', plan()) as writer:
        writer.put(*WANTED[0], sample())
        with pytest.raises(SpikeDataError, match='another process is building there'):
            build(tmp_path / 'set')


def test_no_sample_at_all_is_refused(tmp_path):
    with pytest.raises(SpikeDataError, match='would hold no sample'), DatasetWriter(tmp_path / 'set', plan()) as writer:
        writer.finish()
    assert names(tmp_path) == []


def test_recordings_need_no_sharp_images_and_no_second_split(tmp_path):
    with DatasetWriter(tmp_path / 'set', plan()) as writer:
        spikes = np.ones((400, 4, 8), bool)
        writer.put('test', 'board', '1', Sample(sample().blur, spikes, Exposure(0, 400)))
        root = writer.finish()
    assert names(root) == ['dataset.json', 'test']
    assert names(root / 'test') == ['blur.lmdb', 'spike.lmdb']
    assert SpikeLmdb(root / 'test/spike.lmdb').records['board/1'].exposure_length == 400


def test_sharp_images_for_some_samples_only_are_refused(tmp_path):
    def build_mixed():
        with DatasetWriter(tmp_path / 'set', plan()) as writer:
            writer.put(*WANTED[1], sample())
            writer.put(*WANTED[2], replace(sample(), sharp=None))
            writer.finish()

    with pytest.raises(SpikeDataError, match="test sample 'run/000032' has no sharp image"):
        build_mixed()


@pytest.mark.parametrize('name', ['a.b', '', '../x', '/x', 'a//b', 'a\\b', 'a\nb', 'a\u2028b'])
def test_names_that_no_lmdb_or_folder_can_hold_are_refused(tmp_path, name):
    with (
        pytest.raises(SpikeDataError, match='cannot name a sample|the name .* (leads elsewhere|holds)'),
        DatasetWriter(tmp_path / 'set', plan()) as writer,
    ):
        writer.put('train', 'walk', name, sample())
    assert names(tmp_path) == []


def test_a_name_put_twice_is_refused(tmp_path):
    def build_twice():
        with DatasetWriter(tmp_path / 'set', plan()) as writer:
            for _ in range(2):
                writer.put(*WANTED[0], sample())

    with pytest.raises(SpikeDataError, match='was put already'):
        build_twice()


def test_a_record_that_a_power_cut_damaged_is_made_again(bytes_of, tmp_path):
    stop_early(tmp_path / 'set', KeyboardInterrupt())
    (tmp_path / 'set.partial/records/train/sharp/walk/000019.png').write_bytes(b'torn')
    with pytest.raises(SpikeDataError, match="sharp of train sample 'walk/000019' was damaged on the disk"):
        build(tmp_path / 'set')
    assert bytes_of(build(tmp_path / 'set')) == bytes_of(build(tmp_path / 'whole'))


def full_disk(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, 'No space left on device')


def test_a_full_disk_is_one_error_and_leaves_a_set_to_go_on_with(bytes_of, tmp_path, monkeypatch):
    stop_early(tmp_path / 'set', KeyboardInterrupt())
    for place, name in ((Path, 'write_bytes'), (LmdbWriter, 'put_record')):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, full_disk)
            with pytest.raises(SpikeDataError, match=r'set\.partial: the disk is full; what is finished is kept'):
                build(tmp_path / 'set')
    assert bytes_of(build(tmp_path / 'set')) == bytes_of(build(tmp_path / 'whole'))


def test_a_set_is_replaced_only_when_asked(tmp_path):
    root = build(tmp_path / 'set')
    with pytest.raises(SpikeDataError, match=r'another command \(parameters\.factor is 8, here 16\); choose another'):
        build(root, the_plan=plan(16))
    build(root, value=5, overwrite=True)
    np.testing.assert_array_equal(ImageLmdb(root / 'train/blur.lmdb').read('walk/000019'), sample(5).blur)
    assert names(tmp_path) == ['set']


def test_what_users_keep_in_and_beside_a_set_stays(tmp_path):
    root = build(tmp_path / 'set')
    notes = {'notes.txt': 'why', 'train/list.txt': 'a', 'train/blur.lmdb/extra': 'b', 'mine/deep/c': 'd'}
    for name, text in notes.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / 'link').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'set.replaced').mkdir()
    (tmp_path / 'set.replaced/thesis.tex').write_text('years of work')
    build(root, value=5, overwrite=True)
    assert {name: (root / name).read_text() for name in notes} == notes
    assert (root / 'link').is_symlink()
    assert (tmp_path / 'set.replaced/thesis.tex').read_text() == 'years of work'
    np.testing.assert_array_equal(ImageLmdb(root / 'train/blur.lmdb').read('walk/000019'), sample(5).blur)
    assert names(tmp_path) == ['set', 'set.replaced']


def test_a_kill_between_two_renames_loses_nothing(tmp_path, monkeypatch):
    root = build(tmp_path / 'set')
    (root / 'notes.txt').write_text('why')
    with monkeypatch.context() as patch:
        patch.setattr(PartialSet, 'remove', lambda _: (_ for _ in ()).throw(SystemError('killed')))
        patch.setattr(DatasetWriter, '__exit__', lambda writer, *_: writer._partial.close())
        with pytest.raises(SystemError, match='killed'):
            build(root, value=5, overwrite=True)
    root.rename(tmp_path / 'set.partial/set')  # as if the second rename had not been
    build(root, value=5, overwrite=True)
    assert (root / 'notes.txt').read_text() == 'why'
    np.testing.assert_array_equal(ImageLmdb(root / 'train/blur.lmdb').read('walk/000019'), sample(5).blur)
    assert names(tmp_path) == ['set']


@pytest.mark.parametrize('content', ['{"name": "mine"}', '{"format": 1, "source": "make"}', '[]', 'x'])
def test_a_manifest_of_another_tool_is_not_replaced(tmp_path, content):
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set/dataset.json').write_text(content)
    (tmp_path / 'set/data.bin').write_text('years of work')
    with pytest.raises(SpikeDataError, match=r'dataset\.json'):
        build(tmp_path / 'set', overwrite=True)
    assert names(tmp_path / 'set') == ['data.bin', 'dataset.json']


def test_a_folder_of_the_partial_name_that_is_a_users_stays(tmp_path):
    (tmp_path / 'set.partial/records').mkdir(parents=True)
    (tmp_path / 'set.partial/records/thesis.tex').write_text('years of work')
    with pytest.raises(SpikeDataError, match='is in the way'):
        build(tmp_path / 'set', overwrite=True)
    assert (tmp_path / 'set.partial/records/thesis.tex').is_file()


def test_a_linked_folder_is_filled_not_the_link_replaced(tmp_path):
    (tmp_path / 'fast').mkdir()
    (tmp_path / 'set').symlink_to(tmp_path / 'fast')
    build(tmp_path / 'set')
    build(tmp_path / 'set', value=5, overwrite=True)
    assert (tmp_path / 'set').is_symlink()
    assert (tmp_path / 'fast/dataset.json').is_file()


def test_a_folder_that_is_no_data_set_is_never_replaced(tmp_path):
    (tmp_path / 'thesis.tex').write_text('years of work')
    with pytest.raises(SpikeDataError, match=r'holds no dataset\.json, so it is not replaced'):
        build(tmp_path, overwrite=True)
    with pytest.raises(SpikeDataError, match='is a file'):
        build(tmp_path / 'thesis.tex')
    assert (tmp_path / 'thesis.tex').read_text() == 'years of work'


def test_an_empty_folder_and_an_interrupted_build_are_no_obstacle(tmp_path):
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set.partial/set/train/blur.lmdb.partial').mkdir(parents=True)
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
