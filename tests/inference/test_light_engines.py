"""LDNLight in the engines that run it, against `LDNLight.forward` itself; the others refuse it."""

import pytest
import torch

from spikereveal_plugin.archs import LDNLight
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.inference.export import export_student
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.network import Loaded

CPU = torch.device('cpu')


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = LDNLight(num_feat=8, num_block=1).eval()
    torch.nn.init.normal_(network.last.weight, std=0.1)
    return network


@pytest.mark.parametrize('size', [(6, 8), (13, 9)])
def test_eager_is_the_network(network, size):
    generator = torch.Generator().manual_seed(1)
    blur = torch.rand(1, 3, 4 * size[0], 4 * size[1], generator=generator)
    window = (torch.rand(1, 41, *size, generator=generator) < 0.4).float()
    long_rate = torch.rand(1, 1, *size, generator=generator)
    engine = build_engine('auto', network, CPU)
    with torch.inference_mode():
        frame = engine.frame(engine.encode(blur, long_rate), window)
        torch.testing.assert_close(frame, network(blur, window, long_rate), rtol=0, atol=1e-5)


def test_what_cannot_follow_a_photos_threshold_is_refused(network, tmp_path):
    with pytest.raises(OptionError, match="engine 'onnx': LDNLight observes the threshold"):
        build_engine('onnx', network, CPU)
    with pytest.raises(OptionError, match='tiles: LDNLight observes the threshold'):
        build_engine('eager', network, CPU, tile=512)
    with pytest.raises(OptionError, match='LDNLight observes the threshold on each photo'):
        export_student(Loaded(network, Card({'type': 'LDNLight'})), tmp_path / 'x.onnx')
    assert not list(tmp_path.iterdir())
