import json
import shutil

import cv2
import numpy as np
import pytest

from spikereveal_plugin.building.dataset_writer import DatasetWriter
from spikereveal_plugin.building.exposure_builder import Sample
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.lmdb_store import LmdbWriter
from spikereveal_plugin.inspecting.verify import verify_set
from spikereveal_plugin.inspecting.verify_samples import disattenuated
from spikereveal_plugin.recordings.manifest import BuildPlan


def scene(number, height=32, width=48):
    noise = np.random.default_rng(number).uniform(0, 255, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return cv2.normalize(smooth, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)


def spikes_of(image):
    """Fire each time that the light of a still scene has added up to another whole number."""
    light = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) @ [0.30, 0.59, 0.11] / 255
    return np.diff(np.floor(np.arange(41)[:, None, None] * light), axis=0) > 0


def sample(number, other=None):
    image = scene(number)
    spikes = spikes_of(scene(number if other is None else other))
    return Sample(image, spikes, Exposure(4, 32), image, {4: image, 35: scene(number + 100)})


def build(out, samples):
    with DatasetWriter(out, BuildPlan('test', 0)) as writer:
        for (split, sequence, name), item in samples.items():
            writer.put(split, sequence, name, item)
        return writer.finish()


def good_samples():
    train = {('train', f's{n % 3}', f'{n:06d}'): sample(n) for n in range(8)}
    return train | {('test', 't', f'{n:06d}'): sample(n) for n in (20, 21)}


@pytest.fixture(scope='module')
def good(tmp_path_factory):
    return build(tmp_path_factory.mktemp('good') / 'set', good_samples())


@pytest.fixture
def copy(good, tmp_path):
    return shutil.copytree(good, tmp_path / 'copy')


def problems(root):
    return '\n'.join(verify_set(root).problems)


def test_a_good_set_has_no_problem(good, capsys):
    assert main(['data', 'verify', str(good)]) == 0
    output = capsys.readouterr()
    assert 'train: 8 blur, 8 spike, 8 sharp records read; blur and firing rate correlate by ' in output.out
    assert output.out.endswith('set: no problem found\n')


def test_a_teacher_cache_beside_the_data_is_no_problem(copy):
    shutil.copytree(copy / 'train/sharp.lmdb', copy / 'train/teacher.lmdb')
    (copy / 'teacher_half.lmdb').mkdir()
    assert problems(copy) == ''


def test_missing_and_extra_files_are_listed(copy, capsys):
    shutil.rmtree(copy / 'test/sharp.lmdb')
    (copy / 'train/spike.lmdb/meta_info.txt').unlink()
    (copy / 'train/notes.txt').write_text('mine')
    (copy / 'val').mkdir()
    assert main(['data', 'verify', str(copy)]) == 1
    output = capsys.readouterr()
    for text in (
        'test/sharp.lmdb is missing',
        'train/spike.lmdb/meta_info.txt is missing',
        'train/notes.txt does not belong to the data set',
        'copy/val does not belong to the data set',
    ):
        assert text in output.out
    assert output.err.count('\n') == 1
    assert 'problems found, listed on standard output' in output.err


def test_one_changed_byte_of_a_record_is_found_and_named(copy):
    file = copy / 'train/blur.lmdb/data.mdb'
    raw = bytearray(file.read_bytes())
    raw[raw.index(b'P6\n') + 700] ^= 1
    file.write_bytes(raw)
    found = problems(copy).splitlines()
    assert len(found) == 2
    assert 'blur.lmdb: data.mdb changed since the set was built' in found[0]
    assert "'s" in found[1]
    assert 'has another checksum than when it was written' in found[1]


@pytest.mark.parametrize('cut', [0, 30000])
def test_a_truncated_file_is_a_problem_and_no_crash(copy, cut):
    file = copy / 'train/sharp.lmdb/data.mdb'
    file.write_bytes(file.read_bytes()[:cut])
    assert 'sharp.lmdb: data.mdb changed since the set was built' in problems(copy)


def test_keys_that_files_and_manifest_do_not_share_are_listed(copy):
    shutil.rmtree(copy / 'train/sharp.lmdb')
    with LmdbWriter(copy / 'train/sharp.lmdb') as writer:
        _, png = cv2.imencode('.png', scene(0))
        for number in range(8):
            if number != 5:
                writer.put(f's{number % 3}/{number:06d}.png', (32, 48, 3), png.tobytes(), '1')
        writer.put('s9/000000.png', (32, 48, 3), b'no image', '1')
    meta = copy / 'train/sharp.lmdb/meta_info.txt'
    meta.write_text(meta.read_text().replace('s0/000000.png', 's0/00000x.png'))
    found = problems(copy)
    for text in (
        "'s0/00000x' is listed in meta_info.txt, but data.mdb lacks it",
        "'s0/000000' is in data.mdb, but meta_info.txt does not list it",
        "'s2/000005' is in the manifest only",
        "'s9/000000' is not in the manifest",
        "'s9/000000': not a readable image",
    ):
        assert text in found


def test_spikes_of_another_photo_are_an_outlier(tmp_path):
    samples = good_samples()
    samples['train', 's1', '000004'] = sample(4, other=77)
    found = verify_set(build(tmp_path / 'set', samples)).problems
    assert len(found) == 1
    assert "train sample 's1/000004': gray blur and firing rate correlate by" in found[0]


def test_the_noise_of_a_dark_scene_is_no_outlier(tmp_path):
    image = (scene(9) // 12 + 2).astype(np.uint8)
    light = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) @ [0.30, 0.59, 0.11] / 255
    noisy = np.random.default_rng(9).random((400, *light.shape)) < light
    rate = noisy.mean(axis=0)
    assert np.corrcoef(rate.ravel(), light.ravel())[0, 1] < 0.9
    samples = good_samples() | {('train', 's0', '000009'): Sample(image, noisy, Exposure(0, 400), image)}
    assert problems(build(tmp_path / 'set', samples)) == ''


def test_correction_for_noise_follows_a_simulated_one():
    rng = np.random.default_rng(1)
    light = rng.normal(size=200_000)
    halves = [light + rng.normal(size=light.size) for _ in range(2)]
    correlation = np.corrcoef(light, sum(halves))[0, 1]
    reliability = np.corrcoef(*halves)[0, 1]
    assert correlation < 0.83
    assert disattenuated(correlation, reliability) == pytest.approx(1, abs=0.01)


def test_spikes_that_never_come_are_said(tmp_path):
    silent = Sample(scene(3), np.zeros((40, 8, 12), bool), Exposure(4, 32), scene(3))
    samples = good_samples() | {('train', 's0', '000003'): silent}
    assert 'the photo has contrast, but all pixels fire alike' in problems(build(tmp_path / 'set', samples))


def test_one_content_in_both_splits_is_found_under_another_name(tmp_path):
    samples = good_samples() | {('test', 'renamed', '000007'): sample(2)}
    found = problems(build(tmp_path / 'set', samples))
    assert "test blur 'renamed/000007' is also in the training split, as blur 's2/000002'" in found


def test_a_scene_encoded_anew_is_found_too(tmp_path):
    brighter = np.clip(scene(2).astype(int) + 1, 0, 255).astype(np.uint8)
    again = Sample(brighter, spikes_of(brighter), Exposure(4, 32), brighter)
    samples = {key: item for key, item in good_samples().items() if key[0] == 'train'}
    found = problems(build(tmp_path / 'set', samples | {('test', 'renamed', '000007'): again}))
    assert "test sample 'renamed/000007' looks like training sample 's2/000002'" in found


def test_a_set_without_a_manifest_or_checksums_is_refused(copy):
    manifest = json.loads((copy / 'dataset.json').read_text())
    del manifest['checksums']
    (copy / 'dataset.json').write_text(json.dumps(manifest))
    with pytest.raises(SpikeDataError, match='states no checksums; an earlier version wrote it'):
        verify_set(copy)
    (copy / 'dataset.json').unlink()
    with pytest.raises(SpikeDataError, match='no readable manifest'):
        verify_set(copy)
