import json
from pathlib import Path

import lmdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.data.teacher_cache import TeacherCache, TeacherCacheWriter, delete_cache
from spikereveal_plugin.errors import SpikeDataError

ORIGIN = {'network_bsn': {'weights': 'ab'}, 'short_window': 9, 'spikes': 'cd'}
GAIN = np.random.default_rng(0).random((12, 20), np.float32) * 3


@pytest.fixture(params=['float32', 'float16'])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> TeacherCache:
    with TeacherCacheWriter(tmp_path / 'teacher.lmdb', ORIGIN, request.param) as writer:
        writer.put('a/0', 20, GAIN)
        writer.put('a/0', 116, 2 * GAIN)
    return TeacherCache(tmp_path / 'teacher.lmdb')


@settings(max_examples=30)
@given(st.data())
def test_a_crop_is_a_crop_of_what_was_put(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    path = tmp_path_factory.mktemp('cache') / 'teacher.lmdb'
    with TeacherCacheWriter(path, ORIGIN, 'float32') as writer:
        writer.put('a/0', 20, GAIN)
    top, left = data.draw(st.integers(0, 11)), data.draw(st.integers(0, 19))
    rows, columns = slice(top, data.draw(st.integers(top + 1, 12))), slice(left, data.draw(st.integers(left + 1, 20)))
    read = TeacherCache(path).read('a/0', 20, (12, 20), rows=rows, columns=columns)
    np.testing.assert_array_equal(read, GAIN[rows, columns])
    assert read.flags['C_CONTIGUOUS']
    assert read.flags['WRITEABLE']


def test_float16_is_within_its_rounding(tmp_path: Path):
    with TeacherCacheWriter(tmp_path / 'teacher.lmdb', ORIGIN, 'float16') as writer:
        writer.put('a/0', 20, GAIN)
    read = TeacherCache(tmp_path / 'teacher.lmdb').read('a/0', 20, (12, 20), rows=slice(0, 12), columns=slice(0, 20))
    assert np.abs(read / GAIN - 1).max() <= 2**-11


def test_the_bytes_are_plain_rows(cache: TeacherCache):
    precision = cache.origin['precision']
    with lmdb.open(str(cache.path), readonly=True, lock=False) as env, env.begin() as transaction:
        stored = np.frombuffer(transaction.get(b'a/0/020'), {'float32': '<f4', 'float16': '<f2'}[precision])
    np.testing.assert_allclose(stored.reshape(12, 20), GAIN, rtol=1e-3)
    assert json.loads((cache.path / 'teacher.json').read_text()) == {**ORIGIN, 'precision': precision}


def test_a_limited_gain_gives_the_same_frame(tmp_path: Path):
    gain = np.array([[0, 255, 256, 257, 1e9, np.inf]], np.float32)
    with TeacherCacheWriter(tmp_path / 'teacher.lmdb', ORIGIN, 'float16') as writer:
        writer.put('a/0', 20, gain)
    read = TeacherCache(tmp_path / 'teacher.lmdb').read('a/0', 20, (1, 6), rows=slice(0, 1), columns=slice(0, 6))
    for level in (1, 2, 128, 255):
        blur = np.float32(level) / np.float32(255)
        np.testing.assert_array_equal(np.clip(blur * read, 0, 1), np.clip(blur * gain, 0, 1))


def test_what_is_missing_is_said(cache: TeacherCache):
    assert cache.missing(['a/0'], [20, 116]) == {}
    assert cache.missing(['a/0', 'b/0'], [20, 68, 116]) == {'a/0': [68], 'b/0': [20, 68, 116]}
    with pytest.raises(SpikeDataError, match="no key 'a/0/068'"):
        cache.read('a/0', 68, (12, 20), rows=slice(0, 1), columns=slice(0, 1))


def test_another_origin_is_refused(cache: TeacherCache):
    cache.check({'spikes': 'cd'})
    with pytest.raises(SpikeDataError, match=r'other short_window, spikes; make it again by .spikereveal data teach'):
        cache.check({'short_window': 11, 'spikes': 'ef'})
    with pytest.raises(SpikeDataError, match='was made with other network_bsn; --overwrite'):
        TeacherCacheWriter(cache.path, {**ORIGIN, 'network_bsn': {'weights': 'ac'}}, cache.origin['precision'])


def test_another_precision_is_refused(cache: TeacherCache):
    other = 'float16' if cache.origin['precision'] == 'float32' else 'float32'
    with pytest.raises(SpikeDataError, match='other precision'):
        TeacherCacheWriter(cache.path, ORIGIN, other)


@pytest.mark.parametrize('size', [(12, 24), (11, 20)])
def test_a_record_of_another_size_names_itself(cache: TeacherCache, size: tuple[int, int]):
    with pytest.raises(SpikeDataError, match=r"teacher\.lmdb: 'a/0/020': .* the image is"):
        cache.read('a/0', 20, size, rows=slice(0, 4), columns=slice(0, 4))


@pytest.mark.parametrize('gain', [np.full((2, 2), np.nan, np.float32), np.full((2, 2), -1, np.float32), GAIN[0]])
def test_a_gain_that_is_none_is_refused(tmp_path: Path, gain: np.ndarray):
    with (
        TeacherCacheWriter(tmp_path / 'teacher.lmdb', ORIGIN, 'float32') as writer,
        pytest.raises(SpikeDataError, match="'a/0/020': expected"),
    ):
        writer.put('a/0', 20, gain)


def test_only_a_cache_is_deleted(cache: TeacherCache, tmp_path: Path):
    delete_cache(cache.path)
    assert not cache.path.exists()
    delete_cache(cache.path)
    (tmp_path / 'other').mkdir()
    with pytest.raises(SpikeDataError, match='is no cache of a teacher'):
        delete_cache(tmp_path / 'other')
    with pytest.raises(SpikeDataError, match='there is no cache'):
        TeacherCache(tmp_path / 'other')
