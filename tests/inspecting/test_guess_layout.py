import cv2
import numpy as np
import pytest
import torch

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.vidar import pack_spikes
from spikereveal_plugin.inspecting.guess_layout import guess_layout, measure_layout
from spikereveal_plugin.physics.simulate import SpikeCamera, inherent_noise, simulate_spikes


def recording(height, width, readouts=40, seed=0):
    """A still scene seen by the paper's camera, with its noise."""
    generator = np.random.default_rng(seed)
    coarse = generator.uniform(0.05, 0.9, (height // 12 + 2, width // 12 + 2)).astype(np.float32)
    scene = torch.from_numpy(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)).clamp(0, 1)
    torch_generator, camera = torch.Generator().manual_seed(seed), SpikeCamera()
    spikes = simulate_spikes(scene.expand(readouts, height, width), camera, torch_generator)
    return (spikes | inherent_noise(readouts, height, width, camera, torch_generator)).numpy()


@pytest.mark.parametrize(
    ('height', 'width', 'before', 'cut'),
    [(180, 320, 0, 0), (250, 400, 0, 0), (177, 211, 0, 0), (180, 320, 100, 0), (250, 250, 0, 500), (96, 128, 0, 0)],
)
def test_the_layout_is_found(tmp_path, height, width, before, cut):
    raw = np.random.default_rng(1).bytes(before) + pack_spikes(recording(height, width))
    (tmp_path / 'a.dat').write_bytes(raw[: len(raw) - cut])
    guess = guess_layout(tmp_path / 'a.dat')[0]
    assert (guess.height, guess.width, guess.header) == (height, width, before)
    assert cut or height < 100 or guess.certainty != 'unsure'
    assert guess.num_readouts == 40 - bool(cut)


def test_noise_is_not_taken_for_a_picture(tmp_path):
    (tmp_path / 'a.dat').write_bytes(np.random.default_rng(0).bytes(400_000))
    assert guess_layout(tmp_path / 'a.dat')[0].certainty == 'unsure'


@pytest.mark.parametrize('name', ['vidar/200_part1_key_id151.dat', 'ssdm_layout/RSB/spike_data/seq0/0000.dat'])
def test_known_recordings(shared, name):
    guess = guess_layout(shared / 'data' / name)[0]
    assert (guess.height, guess.width, guess.header, guess.certainty) == (250, 400, 0, 'sure')


def test_evidence_of_a_given_layout(tmp_path):
    (tmp_path / 'a.dat').write_bytes(pack_spikes(recording(120, 160)))
    right, wrong = measure_layout(tmp_path / 'a.dat', 120, 160), measure_layout(tmp_path / 'a.dat', 150, 128)
    assert right.rows > wrong.rows + 0.3
    with pytest.raises(SpikeDataError, match='do not hold one readout of 9000x9000'):
        measure_layout(tmp_path / 'a.dat', 9000, 9000)


@pytest.mark.parametrize('raw', [b'', b'1' * 600])
def test_too_little_is_refused(tmp_path, raw):
    (tmp_path / 'a.dat').write_bytes(raw)
    with pytest.raises(SpikeDataError, match='too few to hold two readouts'):
        guess_layout(tmp_path / 'a.dat')
