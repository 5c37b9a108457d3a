"""Files of cameras that store more columns than they have pixels."""

import logging

import cv2
import numpy as np
import pytest

from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.sensor_size import dat_sensor
from spikereveal_plugin.recordings.sensors import STORED_WIDTHS
from spikereveal_plugin.recordings.spike_file import SpikeLayout, load_spikes, open_spikes


def stream(height, width, readouts=21, seed=0):
    """Spikes (T, h, w) of a smooth scene."""
    rng = np.random.default_rng(seed)
    scene = cv2.GaussianBlur(rng.random((height, width)), (0, 0), 6)
    scene = (scene - scene.min()) / np.ptp(scene)
    phase = rng.random((height, width)) + scene * np.arange(1, readouts + 1)[:, None, None] * 0.7
    return np.floor(phase) > np.floor(phase - 0.7 * scene), scene


def stored(spikes, width):
    """The stream as rows of `width` columns, those after the pixels silent."""
    return np.pad(spikes, ((0, 0), (0, 0), (0, width - spikes.shape[2])))


@pytest.mark.parametrize(('sensor', 'width'), STORED_WIDTHS.items(), ids=str)
def test_a_known_camera_is_read_without_its_blind_columns(sensor, width, tmp_path):
    spikes, _ = stream(*sensor, readouts=9)
    write_vidar(tmp_path / 's.dat', stored(spikes, width))
    for layout in (SpikeLayout(*sensor), SpikeLayout(*sensor, packed_width=width)):
        np.testing.assert_array_equal(load_spikes(tmp_path / 's.dat', layout), spikes)
    np.testing.assert_array_equal(open_spikes(tmp_path / 's.dat', SpikeLayout(*sensor)).read(2, 5), spikes[2:5])
    assert dat_sensor(tmp_path / 's.dat', (4 * sensor[0], 4 * sensor[1]), SpikeLayout()) == sensor
    write_vidar(tmp_path / 's.dat', spikes)
    np.testing.assert_array_equal(load_spikes(tmp_path / 's.dat', SpikeLayout(*sensor)), spikes)


def test_any_other_camera_by_its_option(tmp_path):
    spikes, _ = stream(20, 24)
    write_vidar(tmp_path / 's.dat', stored(spikes, 27))
    np.testing.assert_array_equal(load_spikes(tmp_path / 's.dat', SpikeLayout(20, 24, packed_width=27)), spikes)
    with pytest.raises(SpikeDataError, match='not a whole number of 20x24 readouts'):
        load_spikes(tmp_path / 's.dat', SpikeLayout(20, 24))
    with pytest.raises(OptionError, match='rows of 23 columns: expected as many as the sensor has'):
        SpikeLayout(20, 24, packed_width=23)
    with pytest.raises(OptionError, match='give both sizes'):
        SpikeLayout(packed_width=23)


def test_config_yaml_says_the_pixels(tmp_path):
    spikes, _ = stream(250, 400, readouts=5)
    write_vidar(tmp_path / 's.dat', stored(spikes, 416))
    (tmp_path / 'config.yaml').write_text('spike_h: 250\nspike_w: 400\n')
    np.testing.assert_array_equal(load_spikes(tmp_path / 's.dat'), spikes)


@pytest.mark.parametrize('has_photo', [True, False])
def test_inspect_recognises_them(has_photo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    spikes, scene = stream(250, 400, readouts=41)
    write_vidar(tmp_path / 's.dat', stored(spikes, 416))
    cv2.imwrite('photo.png', np.rint(cv2.resize(scene, (1600, 1000)) * 255).astype(np.uint8))
    assert main(['data', 'inspect', 's.dat', *(['--blur', 'photo.png'] if has_photo else [])]) == 0
    said = capsys.readouterr().out
    assert 'sensor: 250 x 400' in said
    assert 'columns: rows hold 416 in the file, of which the first 400 are pixels' in said
    assert 'readouts: 41 of 250 x 400' in said


def test_inspect_names_columns_that_never_fire(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    spikes, _ = stream(60, 72)
    write_vidar(tmp_path / 's.dat', stored(spikes, 80))
    assert main(['data', 'inspect', 's.dat', '--height', '60', '--width', '80']) == 0
    assert (
        'columns: 72 to 79 never fire; if they hold no pixels, cut them: --height 60 --width 72 --packed-width 80'
        in (capsys.readouterr().out)
    )
    assert (
        main(['data', 'inspect', 's.dat', '--height', '60', '--width', '72', '--packed-width', '80', '--overwrite'])
        == 0
    )
    said = capsys.readouterr().out
    assert 'never fire;' not in said
    assert 'rows hold 80 in the file, of which the first 72 are pixels' in said


def test_deblur_reads_them(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    spikes, scene = stream(250, 400, readouts=41)
    write_vidar(tmp_path / 's.dat', stored(spikes, 416))
    cv2.imwrite('photo.png', np.rint(cv2.resize(scene, (1600, 1000)) * 255).astype(np.uint8))
    with caplog.at_level(logging.INFO):
        assert main(['deblur', 'photo.png', 's.dat', '-o', 'x.png', '--at', '0.5', '--method', 'sdm']) == 0
    assert cv2.imread('x.png').shape == (1000, 1600, 3)
