"""A small scene that moves, its photo and spikes, and a student with random weights."""

import numpy as np
import pytest
import torch

from spikereveal_plugin.archs import LDN, LDNPlus
from spikereveal_plugin.physics.simulate import SpikeCamera, simulate_spikes
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights

EXPOSURE = (12, 33)


def make_pair(height=48, width=64, readouts=57, threshold=1.0):
    """Photo (4h, 4w) float32 and spikes (T, h, w) bool of a smooth picture that slides to the right."""
    rows, columns = np.mgrid[0:height, 0 : width + readouts]
    picture = 0.15 + 0.6 * (rows / height) * (0.5 + 0.5 * np.sin(columns / 5)) ** 2
    frames = np.stack([picture[:, t : t + width] for t in range(readouts)]).astype(np.float32)
    blur = frames[EXPOSURE[0] : sum(EXPOSURE)].mean(0)
    small = torch.from_numpy(frames.reshape(readouts, height // 4, 4, width // 4, 4).mean((2, 4)))
    spikes = simulate_spikes(small, SpikeCamera(threshold), torch.Generator().manual_seed(0))
    return np.repeat(blur[:, :, None], 3, axis=2), spikes.numpy()


@pytest.fixture(scope='session')
def pair_at():
    return make_pair


@pytest.fixture(scope='session')
def pair():
    return make_pair()


@pytest.fixture(scope='session')
def student():
    """Not a bare `LDN()`: its features would hardly reach the output; nor the identity that `starts_from_blur` is."""
    torch.manual_seed(0)
    network = LDN(starts_from_blur=True).eval()
    with torch.no_grad():
        network.last.weight[:, 3:].normal_(std=0.1)
    return network


@pytest.fixture(scope='session')
def weights_file(student, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    save_weights(path, student.state_dict(), Card({'type': 'LDN'}, threshold=1.0, density=1.0))
    return path


@pytest.fixture(scope='session')
def plus():
    """LDNPlus with all parts at work; a new one is physics alone."""
    torch.manual_seed(0)
    network = LDNPlus(num_feat=16, num_block_photo=1, num_block=2).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


@pytest.fixture(scope='session')
def plus_file(plus, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'plus.pth'
    network = {'type': 'LDNPlus', 'num_feat': 16, 'num_block_photo': 1, 'num_block': 2}
    save_weights(path, plus.state_dict(), Card(network, threshold=1.0, density='auto'))
    return path
