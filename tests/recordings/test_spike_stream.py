import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats import vidar
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.spike_file import SpikeLayout, open_spikes
from spikereveal_plugin.recordings.spike_stream import BLOCK, SpikeStream


def spikes(count, height=5, width=7):
    return np.random.default_rng(count).random((count, height, width)) < np.linspace(0.1, 0.9, width)


@given(st.integers(1, 40), st.integers(0, 9), st.booleans(), st.data())
def test_a_window_of_a_dat_is_the_window_of_the_stream(tmp_path_factory, count, header, flip, data):
    stream, path = spikes(count), tmp_path_factory.mktemp('dat') / 'a.dat'
    write_vidar(path, stream, flip=flip)
    path.write_bytes(bytes(range(header)) + path.read_bytes())
    found = open_spikes(path, SpikeLayout(5, 7, flip=flip, header=header))
    first = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(first + 1, count))
    assert found.shape == stream.shape
    np.testing.assert_array_equal(found.read(first, stop), stream[first:stop])
    np.testing.assert_array_equal(found.upside_down().whole(), stream[:, ::-1])


@pytest.mark.parametrize('count', [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_the_rate_is_the_mean_whatever_the_blocks(count):
    stream = spikes(count)
    np.testing.assert_allclose(SpikeStream.of_array(stream).rate(), stream.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(SpikeStream.of_array(stream).rate(9), stream.mean(axis=0), rtol=1e-6)


def test_a_sampled_rate_reads_the_blocks_it_names_alone():
    stream = spikes(5 * BLOCK)
    chosen = np.concatenate([stream[:BLOCK], stream[2 * BLOCK : 3 * BLOCK], stream[4 * BLOCK :]])
    np.testing.assert_allclose(SpikeStream.of_array(stream).rate(3), chosen.mean(axis=0), rtol=1e-6)


def test_a_long_dat_is_never_decoded_whole(tmp_path, monkeypatch):
    stream, decoded, decode = spikes(6 * BLOCK), [], vidar.unpack_spikes
    write_vidar(tmp_path / 'a.dat', stream)
    monkeypatch.setattr(
        vidar, 'unpack_spikes', lambda raw, *a, **k: decoded.append(raw.size // 5) or decode(raw, *a, **k)
    )
    rate = open_spikes(tmp_path / 'a.dat', SpikeLayout(5, 7)).rate()
    np.testing.assert_allclose(rate, stream.mean(axis=0), rtol=1e-6)
    assert decoded == [BLOCK] * 6


def test_a_header_longer_than_the_file_is_said(tmp_path):
    write_vidar(tmp_path / 'a.dat', spikes(2))
    with pytest.raises(SpikeDataError, match='0 bytes are not a whole number of 5x7 readouts'):
        open_spikes(tmp_path / 'a.dat', SpikeLayout(5, 7, header=99))
