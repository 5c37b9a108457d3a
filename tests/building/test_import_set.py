import shutil

import cv2
import numpy as np
import pytest

from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.formats.vidar import read_vidar, write_vidar
from spikereveal_plugin.recordings.calibration import Calibration, save_calibration
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb
from spikereveal_plugin.recordings.manifest import read_manifest


def image(height=64, width=96, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def stream(readouts=30, height=16, width=24, seed=0):
    return np.random.default_rng(seed).random((readouts, height, width)) < 0.4


@pytest.fixture
def folders(tmp_path):
    """Two sequences of pairs, in three formats of spikes, and one image without."""
    for number, key in enumerate(('a/0', 'a/1', 'b.x/0')):
        path = tmp_path / 'photos' / f'{key}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image(seed=number)[:, :, ::-1])
        (tmp_path / 'spikes' / key).parent.mkdir(parents=True, exist_ok=True)
    write_vidar(tmp_path / 'spikes/a/0.dat', stream(seed=0))
    np.save(tmp_path / 'spikes/a/1.npy', stream(seed=1))
    np.savez(tmp_path / 'spikes/b.x/0.npz', spk=stream(seed=2))
    cv2.imwrite(str(tmp_path / 'photos/a/9.png'), image())
    return tmp_path


def run(root, *words):
    return main(['data', 'import', 'folder', str(root / 'photos'), str(root / 'spikes'), '-o', str(root / 'out'),
                 '--workers', '1', *words])  # fmt: skip


def test_own_recordings(folders, caplog):
    caplog.set_level('INFO', 'spikereveal')
    assert run(folders, '--exposure', '5', '20', '--test', 'b_x') == 0
    spikes, blur = SpikeLmdb(folders / 'out/train/spike.lmdb'), ImageLmdb(folders / 'out/train/blur.lmdb')
    assert spikes.keys == blur.keys == ('a/0', 'a/1')
    for number, key in enumerate(spikes.keys):
        np.testing.assert_array_equal(spikes.read(key), stream(seed=number))
        np.testing.assert_array_equal(blur.read(key), image(seed=number))
    record = SpikeLmdb(folders / 'out/test/spike.lmdb').records['b_x/0']
    assert (record.exposure_first, record.exposure_length) == (5, 20)
    assert '1 images without spikes are left out' in caplog.text


def test_names_of_any_script_are_kept(tmp_path):
    for number, key in enumerate(('夜景/第一张', '夜景/第二张', 'Ночь/кадр 1', 'été/ä')):
        for folder in ('photos', 'spikes'):
            (tmp_path / folder / key).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / 'photos' / f'{key}.png'), image(seed=number))
        np.save(tmp_path / 'spikes' / f'{key}.npy', stream(seed=number))
    assert run(tmp_path, '--test', '夜景') == 0
    spikes = SpikeLmdb(tmp_path / 'out/test/spike.lmdb')
    assert spikes.keys == ('夜景/第一张', '夜景/第二张')
    np.testing.assert_array_equal(spikes.read('夜景/第二张'), stream(seed=1))
    assert SpikeLmdb(tmp_path / 'out/train/spike.lmdb').keys == ('été/ä', 'Ночь/кадр 1')
    assert main(['data', 'verify', str(tmp_path / 'out')]) == 0


def test_the_exposure_is_the_whole_stream_by_default(folders):
    assert run(folders) == 0
    record = SpikeLmdb(folders / 'out/train/spike.lmdb').records['a/1']
    assert (record.exposure_first, record.exposure_length) == (0, 30)
    assert read_manifest(folders / 'out')['parameters']['recordings'] == 3


def test_a_calibration_is_applied(folders):
    shifted = ((0.25, 0.0, 1.625), (0.0, 0.25, -0.375), (0.0, 0.0, 1.0))  # two spike pixels to the right
    save_calibration(folders / 'rig.json', Calibration(shifted, (64, 96), (16, 24), 3, 21, 0.0))
    assert run(folders, '--calibration', str(folders / 'rig.json')) == 0
    spikes, blur = SpikeLmdb(folders / 'out/train/spike.lmdb'), ImageLmdb(folders / 'out/train/blur.lmdb')
    np.testing.assert_array_equal(spikes.read('a/0'), stream()[:, :, 2:])
    np.testing.assert_allclose(blur.read('a/0'), image()[:, :88], atol=1)
    assert spikes.records['a/0'].exposure_first == 3


def test_an_import_that_failed_goes_on(folders, capsys):
    whole = (folders / 'spikes/a/1.npy').read_bytes()
    state = (folders / 'spikes/a/1.npy').stat()
    (folders / 'spikes/a/1.npy').write_bytes(whole[:-5] + b'\x07' * 5)
    assert run(folders) == 1
    assert 'neither true nor false; the file is damaged' in capsys.readouterr().err
    (folders / 'spikes/a/1.npy').write_bytes(whole)
    import os

    os.utime(folders / 'spikes/a/1.npy', ns=(state.st_atime_ns, state.st_mtime_ns))
    assert run(folders, '--overwrite') == 0
    assert SpikeLmdb(folders / 'out/train/spike.lmdb').keys == ('a/0', 'a/1', 'b_x/0')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('--exposure', '5', '26'), '30 readouts, the exposure ends at readout 31'),
        (('--ratio', '2'), 'pixels on a sensor of 16x24, expected 32x48|is not 2 times|not a whole number of'),
        (('--test', 'c'), "test sequence 'c' is not among a, b_x"),
        (('--exposure', '-1', '5'), 'first must be 0 or more'),
        (('--calibration', 'absent.json'), 'absent.json: no readable calibration'),
    ],
)
def test_what_does_not_fit_is_said(folders, capsys, words, message):
    import re

    assert run(folders, *words) == 1
    error = capsys.readouterr().err
    assert re.search(message, error)
    assert not (folders / 'out').exists()


def test_nothing_in_common_is_said(folders, capsys):
    assert main(['data', 'import', 'folder', str(folders / 'photos/a'), str(folders / 'spikes'), '-o', 'out']) == 1
    assert 'have no name in common' in capsys.readouterr().err


def test_the_authors_gopro(shared, tmp_path):
    source = shared / 'data/ssdm_layout/GOPRO'
    assert main(['data', 'import', 'gopro', str(source), '-o', str(tmp_path / 'out'), '--workers', '1']) == 0
    spikes = SpikeLmdb(tmp_path / 'out/test/spike.lmdb')
    assert spikes.keys == ('SYN_coffee/000019', 'SYN_coffee/000032')
    record = spikes.records['SYN_coffee/000019']
    assert (record.shape, record.exposure_first, record.exposure_length) == ((137, 180, 320), 20, 97)
    expected = read_vidar(source / 'test/spike_data/SYN_coffee/000019.dat', 180, 320)
    np.testing.assert_array_equal(spikes.read('SYN_coffee/000019'), expected)
    assert ImageLmdb(tmp_path / 'out/test/sharp.lmdb').keys == spikes.keys


def test_the_authors_rsb(shared, tmp_path):
    source = shared / 'data/ssdm_layout/RSB'
    assert main(['data', 'import', 'rsb', str(source), '-o', str(tmp_path / 'out'), '--workers', '1']) == 0
    spikes, blur = SpikeLmdb(tmp_path / 'out/train/spike.lmdb'), ImageLmdb(tmp_path / 'out/train/blur.lmdb')
    assert spikes.records['seq0/0000'].shape == (400, 250, 400)
    assert spikes.records['seq0/0000'].exposure_length == 400
    assert blur.shapes['seq0/0000'] == (1000, 1600)


def test_a_file_of_the_release_that_is_cut_short_is_said(shared, tmp_path, capsys):
    shutil.copytree(shared / 'data/ssdm_layout/GOPRO', tmp_path / 'GOPRO', copy_function=shutil.copyfile)
    damaged = tmp_path / 'GOPRO/test/spike_data/SYN_coffee/000032.dat'
    damaged.write_bytes(damaged.read_bytes()[: 120 * 180 * 320 // 8])  # holds the exposure, and whole readouts
    words = ['-o', str(tmp_path / 'out'), '--workers', '1']
    assert main(['data', 'import', 'gopro', str(tmp_path / 'GOPRO'), *words]) == 1
    assert '000032.dat: 120 readouts, the release has 137 a file' in capsys.readouterr().err


@pytest.fixture
def spk_gopro(tmp_path):
    """GOPRO_Large in small, and spikes of half its size in a folder of their own."""
    for split, clip, seed in (('train', 'GOPR1', 0), ('train', 'GOPR2', 1), ('test', 'GOPR3', 2)):
        place = tmp_path / 'GOPRO_Large' / split / clip
        for kind, shift in (('blur', 0), ('blur_gamma', 10), ('sharp', 20)):
            (place / kind).mkdir(parents=True)
            cv2.imwrite(str(place / kind / '000047.png'), image(64, 96, seed + shift)[:, :, ::-1])
        (tmp_path / 'spk' / split / clip / 'spike').mkdir(parents=True)
        write_vidar(tmp_path / 'spk' / split / clip / 'spike/000047.dat', stream(20, 32, 48, seed))
    return tmp_path


def import_spk(root, *words):
    place = str(root / 'GOPRO_Large'), '--spikes', str(root / 'spk')
    return main(['data', 'import', 'spk-gopro', *place, '-o', str(root / 'out'), '--workers', '1', *words])


@pytest.mark.parametrize('has_config', [False, True])
def test_spk_gopro(has_config, spk_gopro):
    if has_config:
        (spk_gopro / 'spk/config.yaml').write_text('spike_h: 32\nspike_w: 48\n')
    assert import_spk(spk_gopro, '--exposure', '2', '15') == 0
    for split, keys in (('train', ('GOPR1/000047', 'GOPR2/000047')), ('test', ('GOPR3/000047',))):
        spikes = SpikeLmdb(spk_gopro / f'out/{split}/spike.lmdb')
        assert spikes.keys == keys
        record = spikes.records[keys[0]]
        assert (record.exposure_first, record.exposure_length, *record.shape) == (2, 15, 20, 32, 48)
    seed = 1
    np.testing.assert_array_equal(
        SpikeLmdb(spk_gopro / 'out/train/spike.lmdb').read('GOPR2/000047'), stream(20, 32, 48, seed)
    )
    for kind, shift in (('blur', 10), ('sharp', 20)):
        found = ImageLmdb(spk_gopro / f'out/train/{kind}.lmdb').read('GOPR2/000047')
        np.testing.assert_array_equal(found, image(seed=seed + shift))
    assert read_manifest(spk_gopro / 'out')['capture']['ratio'] == 2


def test_spk_gopro_of_the_other_photos(spk_gopro):
    assert import_spk(spk_gopro, '--exposure', '2', '15', '--photos', 'blur') == 0
    np.testing.assert_array_equal(ImageLmdb(spk_gopro / 'out/test/blur.lmdb').read('GOPR3/000047'), image(seed=2))


@pytest.mark.parametrize(
    ('words', 'change', 'said'),
    [
        (('--exposure', '2', '0'), None, '--exposure: exposure: length must be 1 or more'),
        (('--exposure', '2', '30'), None, 'the exposure ends at readout 32'),
        (('--exposure', '2', '9', '--height', '31', '--width', '48'), None, 'not a whole number'),
        (('--exposure', '2', '9'), 'spk', 'expected <split>/<clip>/spike/*.dat beside'),
        (('--exposure', '2', '9'), 'GOPRO_Large/train/GOPR1/sharp/000047.png', 'has no sharp image for 000047'),
    ],
)
def test_spk_gopro_that_does_not_fit(words, change, said, spk_gopro, capsys):
    if change == 'spk':
        shutil.rmtree(spk_gopro / 'spk')
        (spk_gopro / 'spk').mkdir()
    elif change:
        (spk_gopro / change).unlink()
        cv2.imwrite(str((spk_gopro / change).with_name('1.png')), image())
    assert import_spk(spk_gopro, *words) == 1
    assert said in (error := capsys.readouterr().err)
    assert 'Traceback' not in error
