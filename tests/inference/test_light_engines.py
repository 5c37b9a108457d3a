"""LDNLight in the engines that run it, and exported, against `LDNLight.forward` itself."""

import importlib.util

import pytest
import torch

from spikereveal_plugin.archs import LDNLight
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.inference.export import export_student
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.network import Loaded

CPU = torch.device('cpu')
needs_onnx = pytest.mark.skipif(
    not (importlib.util.find_spec('onnx') and importlib.util.find_spec('onnxruntime')),
    reason="onnx and onnxruntime are not installed: pip install 'spikereveal_plugin[export]'",
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = LDNLight(num_feat=8, num_block=1).eval()
    torch.nn.init.normal_(network.last.weight, std=0.1)
    return network


def sample(height: int, width: int):
    generator = torch.Generator().manual_seed(1)
    blur = torch.rand(1, 3, 4 * height, 4 * width, generator=generator)
    window = (torch.rand(1, 41, height, width, generator=generator) < 0.4).float()
    return blur, window, torch.rand(1, 1, height, width, generator=generator)


def frame_of(engine, blur, window, long_rate):
    with torch.inference_mode():
        return engine.frame(engine.encode(blur, long_rate), window)


@pytest.mark.parametrize('size', [(6, 8), (13, 9)])
def test_eager_is_the_network(network, size):
    blur, window, long_rate = sample(*size)
    frame = frame_of(build_engine('auto', network, CPU), blur, window, long_rate)
    with torch.inference_mode():
        torch.testing.assert_close(frame, network(blur, window, long_rate), rtol=0, atol=1e-5)


@pytest.mark.parametrize('size', [(40, 56), (61, 47)])
def test_tiles_are_the_network_whose_threshold_is_the_whole_photos(network, size):
    blur, window, long_rate = sample(*size)
    blur[..., : size[1]] *= 0.2  # tiles that see another threshold each
    frame = frame_of(build_engine('eager', network, CPU, tile=64), blur, window, long_rate)
    with torch.inference_mode():
        torch.testing.assert_close(frame, network(blur, window, long_rate), rtol=0, atol=1e-5)


def test_tiles_are_halved_where_the_image_is(network):
    with pytest.raises(OptionError, match='tile 100: expected a multiple of 8, 64 or more'):
        build_engine('eager', network, CPU, tile=100)


@needs_onnx
def test_onnx_runtime_is_the_network_at_every_threshold(network):
    engine = build_engine('onnx', network, CPU)
    for size, gain in (((27, 40), 1.0), ((40, 33), 0.25)):
        blur, window, long_rate = sample(*size)
        frame = frame_of(engine, blur, window, gain * long_rate)
        with torch.inference_mode():
            torch.testing.assert_close(frame, network(blur, window, gain * long_rate), rtol=0, atol=1e-4)


@needs_onnx
def test_onnx_runtime_refuses_what_its_graph_is_too_large_for(network):
    blur, window, long_rate = sample(20, 40)
    with pytest.raises(SpikeDataError, match='photo of 160x80 pixels: .* at least 100 on each side'):
        frame_of(build_engine('onnx', network, CPU), blur, window, long_rate)


@pytest.mark.parametrize('suffix', ['.pt', pytest.param('.onnx', marks=needs_onnx)])
def test_an_exported_graph_observes_each_photos_threshold(network, tmp_path, suffix):
    assert export_student(Loaded(network, Card({'type': 'LDNLight'})), tmp_path / f'x{suffix}') < 1e-4
    assert (tmp_path / f'x{suffix}').stat().st_size > 10_000
