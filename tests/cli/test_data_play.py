import cv2
import numpy as np
import pytest
from PIL import Image

from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inspecting.playback import Stream, play, spread_instants
from spikereveal_plugin.recordings.spike_stream import SpikeStream


@pytest.fixture
def recording(tmp_path):
    spikes = np.random.default_rng(0).random((40, 24, 32)) < np.linspace(0.1, 0.9, 32)
    np.savez(tmp_path / 'a.npz', spk=spikes)
    cv2.imwrite(str(tmp_path / 'photo.png'), np.full((96, 128, 3), 99, np.uint8))
    return tmp_path / 'a.npz'


@pytest.mark.parametrize('suffix', ['mp4', 'gif', 'png'])
def test_each_format(recording, suffix, capsys):
    out = recording.with_name(f'o.{suffix}')
    words = ['--frames', '5', '--blur', str(recording.with_name('photo.png'))]
    assert main(['data', 'play', str(recording), '-o', str(out), *words]) == 0
    assert '5 instants of 40 readouts' in capsys.readouterr().out
    if suffix == 'gif':
        with Image.open(out) as animation:
            assert animation.n_frames == 5
    elif suffix == 'png':
        assert cv2.imread(str(out)).shape[0] > 5 * 24


def test_samples_of_a_data_set(tiny_set, tmp_path, capsys):
    for path in (tiny_set / 'test', tiny_set / 'test/spike.lmdb'):
        assert main(['data', 'play', str(path), '-o', str(tmp_path / 'o.png'), '--frames', '2', '--overwrite']) == 0
    assert main(['data', 'play', str(tiny_set / 'test'), '-o', str(tmp_path / 'p.png'), '--key', 'x']) == 1
    assert "has no sample 'x'" in capsys.readouterr().err


def test_pictures_are_the_rates():
    spikes = np.zeros((20, 2, 2), np.uint8)
    spikes[::4, 0, 0] = 1  # readouts 0, 4, 8, ...
    spikes[:, 1, 1] = 1
    ((_, readout), (_, tfp), (_, tfi)) = next(play(Stream(SpikeStream.of_array(spikes), None), 5, [8]))
    np.testing.assert_array_equal(readout, spikes[8])
    np.testing.assert_allclose(tfp, [[0.2, 0], [0, 1]])
    np.testing.assert_allclose(tfi, [[0.25, 0], [0, 1]])


def test_the_window_moves_inward_at_the_ends():
    spikes = np.zeros((9, 1, 1), np.uint8)
    spikes[:3] = 1
    stream = Stream(SpikeStream.of_array(spikes), None)
    rates = [dict(tiles)['TFP, 3 readouts'][0, 0] for tiles in play(stream, 3, [0, 8])]
    assert rates == [1, 0]
    for window in (2, 11):
        with pytest.raises(OptionError, match='expected an odd number up to the stream of 9'):
            next(play(stream, window, [4]))


def test_instants_are_spread():
    assert spread_instants(40, 4) == [5, 15, 25, 35]
    assert spread_instants(3, 10) == [0, 1, 2]


def test_other_names_are_refused(recording, capsys):
    assert main(['data', 'play', str(recording), '-o', 'o.avi']) == 1
    assert 'expected a name that ends in .mp4, .webm, .gif, .png' in capsys.readouterr().err


def test_a_path_that_cannot_be_written_is_one_line(recording, capsys):
    (recording.parent / 'file').touch()
    assert main(['data', 'play', str(recording), '-o', str(recording.parent / 'file/o.png'), '--frames', '1']) == 1
    error = capsys.readouterr().err
    assert 'file: ' in error
    assert error.count('\n') == 1
