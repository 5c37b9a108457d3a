import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.vidar import (
    count_readouts,
    pack_spikes,
    read_vidar,
    readout_bytes,
    unpack_spikes,
    write_vidar,
)

STREAMS = hnp.arrays(bool, hnp.array_shapes(min_dims=3, max_dims=3, max_side=11))


def test_known_bytes():
    spikes = unpack_spikes(bytes([0b00000001, 0b10000000]), height=2, width=8)
    assert spikes.dtype == np.bool_
    assert np.argwhere(spikes).tolist() == [[0, 0, 7], [0, 1, 0]]


def test_known_bytes_of_a_padded_readout():
    spikes = np.zeros((2, 3, 3), bool)
    spikes[0, 2, 0] = spikes[1, 0, 2] = True
    assert pack_spikes(spikes) == bytes([0b00000001, 0, 0, 0b00000001])
    assert readout_bytes(3, 3) == 2


@pytest.mark.parametrize(
    ('spikes', 'raw', 'flip'),
    [
        ('spike', 'raw', True),
        ('spike', 'raw_noflip', False),
        ('spike2', 'raw2', True),
        ('spike_demo', 'raw_demo', True),
    ],
)
def test_reference_bytes(golden, spikes, raw, flip):
    reference = golden('dat_io.npz')
    assert pack_spikes(reference[spikes], flip=flip) == reference[raw].tobytes()
    decoded = unpack_spikes(reference[raw], *reference[spikes].shape[1:], flip=flip)
    np.testing.assert_array_equal(decoded, reference[spikes])


@settings(deadline=None, max_examples=50)
@given(STREAMS, st.booleans())
def test_round_trip(spikes, flip):
    raw = pack_spikes(spikes, flip=flip)
    assert len(raw) == len(spikes) * readout_bytes(*spikes.shape[1:])
    for buffer in (raw, bytearray(raw), memoryview(raw), np.frombuffer(raw, np.uint8)):
        np.testing.assert_array_equal(unpack_spikes(buffer, *spikes.shape[1:], flip=flip), spikes)


@settings(deadline=None, max_examples=50)
@given(STREAMS)
def test_bits_are_where_arithmetic_puts_them(spikes):
    raw, (_, height, width) = pack_spikes(spikes), spikes.shape
    size = (height * width + 7) // 8
    for readout, row, column in np.argwhere(spikes):
        bit = (height - 1 - row) * width + column
        assert raw[readout * size + bit // 8] >> (bit % 8) & 1


def test_a_decoded_stream_of_whole_bytes_is_not_copied():
    spikes = unpack_spikes(bytes(60), 6, 8)
    assert not spikes.flags.owndata
    assert spikes.strides == (48, -8, 1)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_a_window_of_a_file(tmp_path_factory, data):
    spikes = data.draw(STREAMS)
    start = data.draw(st.integers(0, len(spikes) - 1))
    stop = data.draw(st.integers(start + 1, len(spikes)))
    path = tmp_path_factory.mktemp('vidar') / 'a.dat'
    write_vidar(path, spikes)
    height, width = spikes.shape[1:]
    assert count_readouts(path, height, width) == len(spikes)
    np.testing.assert_array_equal(read_vidar(path, height, width, start=start, stop=stop), spikes[start:stop])
    np.testing.assert_array_equal(read_vidar(path, height, width), spikes)
    np.testing.assert_array_equal(read_vidar(path, height, width, flip=False), spikes[:, ::-1])


@pytest.mark.parametrize(
    ('raw', 'size', 'message'),
    [
        (b'', (2, 8), '0 bytes are not a whole number of 2x8 readouts'),
        (bytes(5), (2, 8), r'5 bytes .* \(2 bytes each, 2 fit and 1 bytes are left\); is the sensor size right'),
        (b'\x01', (2, 8), '0 fit and 1 bytes are left'),
        (b'\x00\x02', (3, 3), 'padding bits after 3x3 pixels are set'),
        (bytes(4), (0, 8), 'sensor size must be 1x1 or more, got 0x8'),
        (bytes(4), (8, -1), 'got 8x-1'),
        (np.zeros(4, np.int64), (2, 8), r'expected bytes \(uint8\), got an array of int64'),
    ],
)
def test_bytes_that_are_no_stream_are_refused(raw, size, message):
    with pytest.raises(SpikeDataError, match=message):
        unpack_spikes(raw, *size)


def test_the_reference_file_without_its_end_is_refused(tmp_path, golden):
    raw = golden('dat_io.npz')['raw2'].tobytes()
    (tmp_path / 'cut.dat').write_bytes(raw[:-1])
    with pytest.raises(SpikeDataError, match=r'cut\.dat: 74 bytes .* 10x20 readouts \(25 bytes each'):
        read_vidar(tmp_path / 'cut.dat', 10, 20)


@pytest.mark.parametrize(('start', 'stop'), [(-1, 2), (2, 2), (0, 4), (3, None)])
def test_a_window_outside_the_file_is_refused(tmp_path, start, stop):
    write_vidar(tmp_path / 'a.dat', np.ones((3, 2, 8)))
    with pytest.raises(SpikeDataError, match=r'a\.dat: readouts \[-?\d, \d\) is empty or leaves \[0, 3\)'):
        read_vidar(tmp_path / 'a.dat', 2, 8, start=start, stop=stop)


def test_an_absent_or_empty_file_is_refused(tmp_path):
    with pytest.raises(SpikeDataError, match=r'a\.dat: there is no such file'):
        count_readouts(tmp_path / 'a.dat', 2, 8)
    (tmp_path / 'a.dat').touch()
    with pytest.raises(SpikeDataError, match=r'a\.dat: 0 bytes'):
        read_vidar(tmp_path / 'a.dat', 2, 8)


def test_set_padding_in_a_file_names_the_file(tmp_path):
    (tmp_path / 'a.dat').write_bytes(b'\x00\x02')
    with pytest.raises(SpikeDataError, match=r'a\.dat: raw spikes: padding bits'):
        read_vidar(tmp_path / 'a.dat', 3, 3)


def test_other_values_are_not_written(tmp_path):
    with pytest.raises(SpikeDataError, match='must be 0 or 1'):
        write_vidar(tmp_path / 'a.dat', np.full((1, 2, 8), 2))
    assert list(tmp_path.iterdir()) == []
