import cv2
import numpy as np
import pytest

from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.formats.vidar import write_vidar


@pytest.fixture
def scene(tmp_path):
    """A scene whose upper half is brighter, as a photo and as spikes."""
    rates = np.repeat(np.linspace(0.9, 0.1, 96)[:, None], 128, axis=1) * np.linspace(0.5, 1, 128)
    spikes = np.random.default_rng(0).random((60, 96, 128)) < rates
    cv2.imwrite(str(tmp_path / 'photo.png'), cv2.resize((255 * rates).astype(np.uint8), (512, 384)))
    return spikes


def lines_of(capsys):
    return dict(line.split(': ', 1) for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize('flip', [True, False])
def test_a_dat_with_its_photo(tmp_path, capsys, scene, flip):
    write_vidar(tmp_path / 'a.dat', scene, flip=flip)
    words = ['--height', '96', '--width', '128', '--blur', str(tmp_path / 'photo.png'), '-o', str(tmp_path / 'o.png')]
    assert main(['data', 'inspect', str(tmp_path / 'a.dat'), *words]) == 0
    found = lines_of(capsys)
    assert found['readouts'] == '60 of 96 x 128 (height x width)'
    assert found['row order'].startswith('bottom row first' if flip else 'top row first')
    assert cv2.imread(str(tmp_path / 'o.png')) is not None


@pytest.mark.parametrize('sensor', [(32, 48), (96, 128)])
def test_the_photo_tells_the_sensor(tmp_path, capsys, sensor):
    rows, columns = np.mgrid[: sensor[0], : sensor[1]]
    rates = 0.5 + 0.25 * np.sin(columns / 9 + rows / 17) + 0.2 * np.cos(rows / 3)
    write_vidar(tmp_path / 'a.dat', np.random.default_rng(0).random((97, *sensor)) < rates)
    cv2.imwrite(str(tmp_path / 'photo.png'), cv2.resize((255 * rates).astype(np.uint8), None, fx=4, fy=4))
    cv2.imwrite(str(tmp_path / 'other.png'), np.random.default_rng(1).integers(0, 255, (128, 192, 3), np.uint8))
    inspect = ['data', 'inspect', str(tmp_path / 'a.dat'), '-o', str(tmp_path / 'o.png'), '--overwrite', '--blur']
    assert main([*inspect, str(tmp_path / 'photo.png')]) == 0
    found = lines_of(capsys)
    assert found['sensor'].startswith(f'{sensor[0]} x {sensor[1]}, sure')
    assert found['readouts'] == f'97 of {sensor[0]} x {sensor[1]} (height x width)'
    assert main([*inspect, str(tmp_path / 'other.png')]) == 0
    assert ', unsure, since the photo resembles no reading' in capsys.readouterr().out


def test_a_data_set(tmp_path, capsys, tiny_set):
    assert main(['data', 'inspect', str(tiny_set), '-o', str(tmp_path / 'o.png')]) == 0
    out = capsys.readouterr().out
    assert 'train: 4 samples of' in out
    assert 'exposure 20 + 97, ratio 4 x 4' in out
    threshold = float(out.split('(the threshold): ')[1].split(',')[0])
    assert threshold == pytest.approx(1.0, abs=0.05)
    assert cv2.imread(str(tmp_path / 'o.png')) is not None


def test_what_is_neither_is_said_in_one_line(tmp_path, capsys):
    assert main(['data', 'inspect', str(tmp_path)]) == 1
    assert 'neither a data set with train or test' in capsys.readouterr().err
    assert main(['data', 'inspect', str(tmp_path / 'absent.dat')]) == 1
    assert capsys.readouterr().err.count('\n') == 1
