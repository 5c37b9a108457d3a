import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.vidar import pack_spikes, write_vidar
from spikereveal_plugin.recordings.spike_file import SpikeLayout, load_spikes, sensor_from_config


def stream(readouts=5, height=6, width=10, seed=0):
    return np.random.default_rng(seed).random((readouts, height, width)) < 0.3


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 17)), st.booleans(), st.integers(0, 9))
def test_every_form_gives_the_same_spikes(tmp_path_factory, sizes, flip, header):
    folder, spikes, (_, height, width) = tmp_path_factory.mktemp('spikes'), stream(*sizes), sizes
    (folder / 'a.dat').write_bytes(bytes(header) + pack_spikes(spikes, flip=flip))
    np.save(folder / 'a.npy', spikes.astype(np.uint8))
    np.savez(folder / 'a.npz', spk=spikes.transpose(1, 2, 0), other=0)
    dat = SpikeLayout(height, width, flip=flip, header=header)
    for name, layout in (('a.dat', dat), ('a.npy', SpikeLayout()), ('a.npz', SpikeLayout(axes='hwt'))):
        np.testing.assert_array_equal(load_spikes(folder / name, layout), spikes)


def test_real_recording(shared):
    spikes = load_spikes(shared / 'data/vidar/uhsr.npz')
    assert spikes.shape == (200, 250, 250)
    assert 0.02 < spikes.mean() < 0.05


@pytest.mark.parametrize('place', ['.', '..'])
def test_spikecvs_config_gives_the_sensor(tmp_path, place):
    folder = tmp_path / 'set/seq'
    write_vidar(folder / 'a.dat', stream())
    (folder / place / 'config.yaml').write_text('filename: x\nspike_w: 10\nspike_h: 6\nis_labeled: false\n')
    np.testing.assert_array_equal(load_spikes(folder / 'a.dat'), stream())


def test_a_config_of_something_else_is_passed_over(tmp_path):
    (tmp_path / 'config.yaml').write_text('- 1\n')
    assert sensor_from_config(tmp_path / 'a.dat') is None


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('spike_h: 6\n', r'must be positive whole numbers, found \(6, None\)'),
        ('spike_h: six\nspike_w: 4\n', 'must be positive whole numbers'),
        ('spike_h: [\n', 'not a readable YAML file'),
    ],
)
def test_a_broken_config_is_said(tmp_path, text, message):
    (tmp_path / 'config.yaml').write_text(text)
    (tmp_path / 'a.dat').write_bytes(b'12')
    with pytest.raises(SpikeDataError, match=message):
        load_spikes(tmp_path / 'a.dat')


def test_what_cannot_be_read_is_said(tmp_path):
    write_vidar(tmp_path / 'a.dat', stream())
    np.save(tmp_path / 'two.npy', np.full((2, 3, 4), 2))
    np.save(tmp_path / 'flat.npy', np.zeros((3, 4)))
    np.savez(tmp_path / 'many.npz', a=np.zeros((1, 2, 2)), b=np.zeros((1, 2, 2)))
    (tmp_path / 'a.txt').touch()
    for name, layout, message in (
        ('a.txt', SpikeLayout(), 'not a spike file'),
        ('b.dat', SpikeLayout(), 'there is no such file'),
        ('a.dat', SpikeLayout(), 'does not say its sensor size; give --height and --width'),
        ('a.dat', SpikeLayout(7, 10), 'a.dat: 40 bytes are not a whole number of 7x10 readouts'),
        ('two.npy', SpikeLayout(), 'spikes must be 0 or 1, got 24 other values'),
        ('flat.npy', SpikeLayout(), r'three axes \(thw\), found shape \(3, 4\)'),
        ('many.npz', SpikeLayout(), 'which array holds the spikes'),
        ('many.npz', SpikeLayout(key='c'), "Found a, b, not 'c'"),
        ('many.npz', SpikeLayout(3, 2, key='a'), r'expected a sensor of \(3, 2\), found \(2, 2\)'),
    ):
        with pytest.raises(SpikeDataError, match=message):
            load_spikes(tmp_path / name, layout)


@pytest.mark.parametrize('fields', [{'height': 3}, {'height': 0, 'width': 3}, {'header': -1}, {'axes': 'wht'}])
def test_impossible_layouts_are_refused(fields):
    with pytest.raises(OptionError, match='expected|needs'):
        SpikeLayout(**fields)
