"""What `deblur` knows of a rig, and says of how it takes a photo's spikes."""

import logging

import cv2
import numpy as np
import pytest
import torch

from spikereveal_plugin.archs import LDN
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.physics.simulate import SpikeCamera, simulate_spikes
from spikereveal_plugin.recordings.calibration import Calibration, save_calibration
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights

HEIGHT, WIDTH, READOUTS = 96, 128, 61
CALIBRATION = Calibration(
    ((0.25, 0.0, 1.625), (0.0, 0.25, -0.375), (0.0, 0.0, 1.0)), (HEIGHT, WIDTH), (24, 32), 15, 31, 0.0
)  # the photo lies two spike pixels further right


@pytest.fixture(scope='module')
def inputs(tmp_path_factory):
    """Folders photos/, spikes/ with one exposure of readouts 15 to 45; rig.json; weights of threshold 1."""
    folder = tmp_path_factory.mktemp('rig')
    rng = np.random.default_rng(0)
    scene = cv2.GaussianBlur(rng.random((HEIGHT, WIDTH + READOUTS)), (0, 0), 4)
    scene = (0.1 + 0.8 * (scene - scene.min()) / np.ptp(scene)).astype(np.float32)
    frames = np.stack([scene[:, t : t + WIDTH] for t in range(READOUTS)])
    photo = np.repeat(frames[15:46].mean(0)[:, :, None], 3, axis=2)
    for name in ('photos', 'spikes'):
        (folder / name).mkdir()
    cv2.imwrite(str(folder / 'photos/a.png'), np.rint(photo * 255).astype(np.uint8))
    light = torch.from_numpy(frames.reshape(READOUTS, HEIGHT // 4, 4, WIDTH // 4, 4).mean((2, 4)))
    for threshold, name in ((1.0, 'spikes'), (2.0, 'of_2')):
        spikes = simulate_spikes(light, SpikeCamera(threshold), torch.Generator().manual_seed(0)).numpy()
        write_vidar(folder / name / 'a.dat' if name == 'spikes' else folder / f'{name}.dat', spikes)
    save_calibration(folder / 'rig.json', CALIBRATION)
    torch.manual_seed(0)
    save_weights(
        folder / 'ldn.pth',
        LDN(num_feat=4, reduction=4).state_dict(),
        Card({'type': 'LDN', 'num_feat': 4, 'reduction': 4}),
    )
    return folder


@pytest.fixture
def run(inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def deblur(photo, spikes, *words):
        return main(['deblur', str(inputs / photo), str(inputs / spikes), '-o', 'out', *words])

    return deblur


@pytest.mark.parametrize('weights', [('--method', 'sdm'), ('--method', 'light'), ('--weights', 'LDN')])
@pytest.mark.parametrize('pair', [('photos/a.png', 'spikes/a.dat'), ('photos', 'spikes')], ids=['files', 'folders'])
def test_a_calibration_does_what_it_does_to_a_data_set(pair, weights, run, inputs, tmp_path):
    words = [word.replace('LDN', str(inputs / 'ldn.pth')) for word in weights]
    rig = ('--calibration', str(inputs / 'rig.json'))
    assert run(*pair, *words, *rig, '--no-check') == 0
    importing = ['data', 'import', 'folder', str(inputs / 'photos'), str(inputs / 'spikes'), *rig]
    assert main([*importing, '-o', 'set']) == 0
    assert main(['deblur', 'set/train', '-o', 'of_set', *words, '--no-check']) == 0
    own, others = (sorted((tmp_path / name).rglob('*.png')) for name in ('out', 'of_set'))
    assert len(own) == len(others) == 7
    for path, other in zip(own, others, strict=True):
        image = cv2.imread(str(path)).astype(int)
        assert image.shape == (96, 120, 3)
        assert np.abs(image - cv2.imread(str(other))).max() <= 2  # the data set keeps the warped photo in 8 bits


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'image_size': (80, 128)}, 'a.png: the photo is 96x128, but the calibration is for photos of 80x128'),
        (
            {'sensor_size': (24, 48)},
            'the sensor is 24x32, but the calibration is for photos of 96x128 on a sensor of 24x48',
        ),
        ({'first': 50}, 'an exposure of readouts 50 to 80 leaves the stream of 61'),
    ],
)
def test_another_rigs_calibration_is_refused(change, said, run, tmp_path, capsys):
    from dataclasses import replace

    save_calibration(tmp_path / 'other.json', replace(CALIBRATION, **change))
    words = ('--method', 'sdm', '--calibration', 'other.json', '--height', '24', '--width', '32')
    assert run('photos/a.png', 'spikes/a.dat', *words) == 1
    error = capsys.readouterr().err
    assert said in error
    assert 'Traceback' not in error


def test_a_calibration_needs_a_photo(inputs, tiny_set, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for spikes, said in ((inputs / 'spikes/a.dat', 'spikes alone; leave it out'), (tiny_set, 'a data set, aligned')):
        assert main(['deblur', str(spikes), '-o', 'out', '--calibration', str(inputs / 'rig.json')]) == 1
        assert said in capsys.readouterr().err


def test_a_whole_stream_is_said_with_what_fits_better(run, caplog):
    with caplog.at_level(logging.INFO, 'spikereveal'):
        assert run('photos/a.png', 'spikes/a.dat', '--method', 'sdm') == 0
    (said,) = [message for message in caplog.messages if message.startswith('exposure')]
    assert said.startswith('exposure: nothing says it, so all 61 readouts are taken')
    first, length = map(int, said.rpartition('try --exposure ')[2].split())
    assert abs(first - 15) <= 2
    assert abs(length - 31) <= 4
    caplog.clear()
    with caplog.at_level(logging.INFO, 'spikereveal'):
        assert run('photos/a.png', 'spikes/a.dat', '--method', 'sdm', '--exposure', '15', '31', '--overwrite') == 0
    assert not any(message.startswith('exposure') for message in caplog.messages)


@pytest.mark.parametrize(
    ('spikes', 'words', 'is_said'),
    [
        ('spikes/a.dat', (), False),
        ('of_2.dat', (), True),
        ('of_2.dat', ('--density', 'auto'), False),
        ('of_2.dat', ('--density', '2'), False),
        ('of_2.dat', ('--weights', 'ldn-light'), False),
        ('of_2.dat', ('--method', 'sdm'), False),
    ],
)
def test_another_threshold_than_the_weights_is_said_once(spikes, words, is_said, run, inputs, caplog):
    own = () if '--weights' in words or '--method' in words else ('--weights', str(inputs / 'ldn.pth'))
    with caplog.at_level(logging.INFO, 'spikereveal'):
        assert run('photos/a.png', spikes, '--exposure', '15', '31', *words, *own) == 0
    said = [message for message in caplog.messages if message.startswith('threshold')]
    assert bool(said) == is_said
    if said:
        assert 'of about 2, the weights learned from 1: try --density auto' in said[0]


@pytest.mark.parametrize(('height', 'width'), [(250, 400), (180, 320), (90, 134)])
def test_a_photo_of_the_sensors_own_size_gets_its_own_advice(height, width, run, tmp_path, capsys):
    rng = np.random.default_rng(0)
    write_vidar(tmp_path / 's.dat', rng.random((33, height, width)) < 0.3)
    cv2.imwrite(str(tmp_path / 'small.png'), rng.integers(0, 255, (height, width, 3), np.uint8))
    pair = (tmp_path / 'small.png', tmp_path / 's.dat', '--method', 'sdm')
    assert run(*pair) == 1
    error = capsys.readouterr().err
    assert f"the image is {width}x{height}, which is the sensor's own size, expected 4 times it" in error
    assert f'--height {height} --width {width}' in error
    assert run(*pair, '--height', str(height), '--width', str(width)) == 0
