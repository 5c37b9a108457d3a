import pickle

import lmdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.lmdb_store import LmdbWriter
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb, SpikeLmdbWriter, SpikeRecord

KEY = 'seq/000019'
SPIKES = np.random.default_rng(0).random((7, 5, 19)) < 0.4


@pytest.fixture
def path(tmp_path):
    with SpikeLmdbWriter(tmp_path / 'spikes.lmdb') as writer:
        writer.put(KEY, SPIKES, 2, 3)
        writer.put('other', np.ones((4, 2, 8)), 0, 4)
    return tmp_path / 'spikes.lmdb'


def test_round_trip(path):
    spikes = SpikeLmdb(path)
    assert spikes.keys == (KEY, 'other')
    assert spikes.records[KEY] == SpikeRecord(7, 5, 19, exposure_first=2, exposure_length=3)
    decoded = spikes.read(KEY)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, SPIKES)
    assert spikes.read('other').all()


def test_the_line_in_meta_info(path):
    assert (path / 'meta_info.txt').read_text().splitlines()[0] == 'seq/000019.spike (7,5,19) exposure=2+3'


def test_known_bytes(tmp_path):
    one = np.zeros((1, 2, 9))
    one[0, 0, 0] = one[0, 0, 8] = one[0, 1, 7] = 1
    with SpikeLmdbWriter(tmp_path / 'a.lmdb') as writer:
        writer.put('a', one, 0, 1)
    environment = lmdb.open(str(tmp_path / 'a.lmdb'), readonly=True, lock=False)
    with environment.begin() as transaction:
        assert transaction.get(b'a') == bytes([0b00000001, 0b00000001, 0b10000000, 0])
    environment.close()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_crop_of_a_window_is_a_slice(tmp_path_factory, data):
    spikes = data.draw(hnp.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 35))))
    spans = []
    for size in spikes.shape:
        first = data.draw(st.integers(0, size - 1))
        spans.append((first, data.draw(st.integers(first + 1, size))))
    path = tmp_path_factory.mktemp('crop') / 'a.lmdb'
    with SpikeLmdbWriter(path) as writer:
        writer.put('a', spikes, 0, 1)
    (start, stop), (top, bottom), (left, right) = spans
    crop = SpikeLmdb(path).read(
        'a', start=start, stop=stop, top=top, left=left, height=bottom - top, width=right - left
    )
    assert crop.flags.c_contiguous
    assert crop.flags.writeable
    np.testing.assert_array_equal(crop, spikes[start:stop, top:bottom, left:right])


def test_a_crop_reaches_the_edges_by_default(path):
    np.testing.assert_array_equal(SpikeLmdb(path).read(KEY, start=3, top=1, left=9), SPIKES[3:, 1:, 9:])


def test_it_pickles(path):
    copy = pickle.loads(pickle.dumps(SpikeLmdb(path)))
    np.testing.assert_array_equal(copy.read(KEY), SPIKES)


@pytest.mark.parametrize(
    ('window', 'message'),
    [
        ({'start': 3, 'stop': 8}, r"'seq/000019': readouts \[3, 8\) is empty or leaves \[0, 7\)"),
        ({'start': -1}, r'readouts \[-1, 7\)'),
        ({'top': 4, 'height': 2}, r'rows \[4, 6\) is empty or leaves \[0, 5\)'),
        ({'left': 19}, r'columns \[19, 19\)'),
        ({'width': 0}, r'columns \[0, 0\)'),
    ],
)
def test_windows_outside_the_stream_are_refused(path, window, message):
    with pytest.raises(SpikeDataError, match=message):
        SpikeLmdb(path).read(KEY, **window)


def test_an_unknown_key_is_refused(path):
    with pytest.raises(SpikeDataError, match="no key 'seq/19'"):
        SpikeLmdb(path).read('seq/19')


def test_a_record_of_the_wrong_size_is_refused(tmp_path):
    with LmdbWriter(tmp_path / 'a.lmdb') as writer:
        writer.put('seq/1.spike', (7, 5, 19), bytes(104), 'exposure=0+7')
    with pytest.raises(
        SpikeDataError, match=r"'seq/1': 104 bytes are stored but \(7, 5, 19\) needs 105; the record is"
    ):
        SpikeLmdb(tmp_path / 'a.lmdb').read('seq/1')


@pytest.mark.parametrize(
    ('name', 'shape', 'note'),
    [
        ('a.png', (7, 5, 3), '1'),
        ('a.spike', (7, 5, 19), ''),
        ('a.spike', (7, 5), 'exposure=0+7'),
        ('a.spike', (7, 5, 19), 'exposure=0'),
        ('a.png', (7, 5, 19), 'exposure=0+7'),
    ],
)
def test_an_lmdb_of_something_else_is_refused(tmp_path, name, shape, note):
    with LmdbWriter(tmp_path / 'a.lmdb') as writer:
        writer.put(name, shape, b'x', note)
    with pytest.raises(SpikeDataError, match=r"'a': expected a line such as .* is this an LMDB of spikes\?"):
        SpikeLmdb(tmp_path / 'a.lmdb')


@pytest.mark.parametrize(('first', 'length'), [(-1, 3), (0, 0), (5, 3)])
def test_an_exposure_outside_the_stream_is_refused(tmp_path, first, length):
    with (
        pytest.raises(SpikeDataError, match=rf'exposure \[{first}, {first + length}\) is empty or leaves \[0, 7\)'),
        SpikeLmdbWriter(tmp_path / 'a.lmdb') as writer,
    ):
        writer.put('a', SPIKES, first, length)


def test_arrays_that_are_no_spikes_are_refused(tmp_path):
    with (
        pytest.raises(SpikeDataError, match=r"a\.lmdb: 'a': spikes must be 0 or 1"),
        SpikeLmdbWriter(tmp_path / 'a.lmdb') as writer,
    ):
        writer.put('a', np.full((7, 5, 19), 2), 0, 7)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_record_is_refused():
    with pytest.raises(SpikeDataError, match=r'sizes must be 1 or more, got \(7, 0, 19\)'):
        SpikeRecord(7, 0, 19, 0, 7)
