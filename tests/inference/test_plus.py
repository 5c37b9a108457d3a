"""LDNPlus in every engine, exported, and in a `Deblurrer`, against `LDNPlus.forward` itself."""

import copy
import importlib.util
import os
import shutil

import numpy as np
import pytest
import torch

from spikereveal_plugin import Deblurrer
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.inference.engines import plus_tiles as plus_tiling
from spikereveal_plugin.inference.engines import staged
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.physics.density import normalise_density
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.restorers.student import OneByOne
from spikereveal_plugin.shot import Shot
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.network import load_student

CPU = torch.device('cpu')
WHEN = Exposure(12, 33)
NEEDS_ONNX = pytest.mark.skipif(
    not (importlib.util.find_spec('onnx') and importlib.util.find_spec('onnxruntime')),
    reason="onnx and onnxruntime are not installed: pip install 'spikereveal_plugin[export]'",
)


def sample(height, width):
    generator = torch.Generator().manual_seed(1)
    blur = torch.rand(1, 3, 4 * height, 4 * width, generator=generator)
    window = (torch.rand(1, 41, height, width, generator=generator) < 0.4).float()
    return blur, window, torch.rand(1, 1, height, width, generator=generator)


def run(engine, blur, window, long_rate):
    with torch.inference_mode():
        return engine.frame(engine.encode(blur, long_rate), window)


def reference(network, *inputs):
    with torch.inference_mode():
        return network(*inputs)


@pytest.mark.parametrize('size', [(1, 1), (13, 9)])
def test_eager_is_the_network(plus, size):
    inputs = sample(*size)
    engine = build_engine('eager', plus, CPU)
    torch.testing.assert_close(run(engine, *inputs), reference(plus, *inputs), rtol=0, atol=1e-5)
    blur, window, _ = inputs
    shot = Shot(blur, window, Exposure(0, 41))
    (whole,) = OneByOne(plus).frames(shot, [20])
    torch.testing.assert_close(whole, reference(plus, blur, window, shot.long_rate).clamp(0, 1), rtol=0, atol=1e-5)


@pytest.mark.parametrize('size', [(20, 36), (4, 60), (33, 17)])
def test_tiles_are_the_whole(plus, size):
    network, inputs = copy.deepcopy(plus).double(), [tensor.double() for tensor in sample(*size)]
    tiled = run(build_engine('eager', network, CPU, tile=64), *inputs)
    torch.testing.assert_close(tiled, reference(network, *inputs), rtol=0, atol=1e-12)


def test_without_a_halo_tiles_would_differ(plus, monkeypatch):
    network, inputs = copy.deepcopy(plus).double(), [tensor.double() for tensor in sample(20, 36)]
    monkeypatch.setattr(plus_tiling, 'HALO', 0)
    tiled = run(build_engine('eager', network, CPU, tile=64), *inputs)
    assert (tiled - reference(network, *inputs)).abs().max() > 1e-3


def test_the_photos_branch_runs_once(plus):
    calls = []
    handle = plus.photo_in.register_forward_hook(lambda *_: calls.append(1))
    engine, (blur, window, long_rate) = build_engine('eager', plus, CPU), sample(8, 8)
    with torch.inference_mode():
        encoded = engine.encode(blur, long_rate)
        for _ in range(3):
            engine.frame(encoded, window)
    handle.remove()
    assert calls == [1]


@NEEDS_ONNX
def test_onnx_runtime_is_the_network(plus):
    engine = build_engine('onnx', copy.deepcopy(plus), CPU)
    for size in ((13, 9), (24, 31)):
        inputs = sample(*size)
        torch.testing.assert_close(run(engine, *inputs), reference(plus, *inputs), rtol=0, atol=1e-4)


def test_bf16_is_near(plus, monkeypatch):
    monkeypatch.setattr(staged, 'has_bf16', lambda device: True)
    inputs = sample(9, 12)
    frame, expected = run(build_engine('bf16', plus, CPU), *inputs), reference(plus, *inputs)
    assert frame.dtype == torch.float32
    assert (frame - expected).norm() < 0.02 * expected.norm()


@pytest.mark.skipif(
    not shutil.which(os.environ.get('CXX', 'g++')), reason='torch.compile needs a C++ compiler (g++, or CXX)'
)
@pytest.mark.parametrize('name', ['student', 'plus'])
def test_compiled_is_the_network(name, request, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCHINDUCTOR_CACHE_DIR', str(tmp_path))
    network = copy.deepcopy(request.getfixturevalue(name))
    blur, window, long_rate = sample(6, 7)
    window = window[:, : network.num_spike]
    inputs = (blur, window, long_rate) if name == 'plus' else (blur, window)
    expected = reference(network, *inputs)
    torch.testing.assert_close(
        run(build_engine('compiled', network, CPU), blur, window, long_rate), expected, rtol=0, atol=1e-5
    )


def test_a_deblurrer_brings_any_camera_to_the_cards_density(plus, plus_file, pair_at):
    """Window and long rate reach the network at the density of the card's threshold."""
    blur, spikes = pair_at(threshold=4.0)
    frame = Deblurrer.from_pretrained(plus_file)(blur, spikes, [28], exposure=WHEN)[0]
    image, stream = torch.from_numpy(blur).permute(2, 0, 1)[None], torch.from_numpy(spikes)[None].float()
    long_rate = stream[:, 12:45].mean(1, keepdim=True)
    ratio = observed_threshold(image, long_rate)
    dense = normalise_density(stream, ratio)
    rate = dense[:, 12:45].mean(1, keepdim=True)
    expected = reference(plus, image, dense[:, 8:49], rate).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    assert ratio == pytest.approx(4, rel=0.1)
    np.testing.assert_allclose(frame, expected, atol=1e-5)


def test_tiles_in_a_deblurrer(plus_file, pair):
    whole, tiled = (Deblurrer.from_pretrained(plus_file, tile=tile)(*pair, [28], exposure=WHEN) for tile in (None, 64))
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    with pytest.raises(OptionError, match='tile 30: expected a multiple of 4'):
        Deblurrer.from_pretrained(plus_file, tile=30)


@NEEDS_ONNX
def test_export_and_its_readers(plus, plus_file, tmp_path, monkeypatch, caplog):
    import onnxruntime

    monkeypatch.chdir(tmp_path)
    inputs = sample(11, 15)  # of a size that was not traced
    expected = reference(plus, *inputs)
    for name in ('plus.onnx', 'plus.pt'):
        assert main(['export', '--weights', str(plus_file), '-o', name]) == 0, caplog.text
    session = onnxruntime.InferenceSession('plus.onnx', providers=['CPUExecutionProvider'])
    assert [entry.name for entry in session.get_inputs()] == ['blur', 'spikes', 'long_rate']
    feed = dict(zip(('blur', 'spikes', 'long_rate'), (tensor.numpy() for tensor in inputs), strict=True))
    np.testing.assert_allclose(session.run(None, feed)[0], expected.numpy(), atol=1e-4)
    torch.testing.assert_close(torch.jit.load('plus.pt')(*inputs), expected, rtol=0, atol=1e-4)


def test_a_checkpoint_is_packed_by_its_option_file(plus, tmp_path, capsys):
    torch.save({'params': plus.state_dict()}, tmp_path / 'net.pth')
    section = '{type: LDNPlus, num_feat: 16, num_block_photo: 1, num_block: 2}'
    (tmp_path / 'plus.yml').write_text(f'network_g: {section}\n')
    command = [
        'weights',
        'pack',
        str(tmp_path / 'net.pth'),
        '-o',
        str(tmp_path / 'out.pth'),
        '--density',
        'auto',
        '--overwrite',
    ]
    assert main([*command, '-opt', str(tmp_path / 'plus.yml')]) == 0, capsys.readouterr().err
    loaded = load_student(tmp_path / 'out.pth')
    assert loaded.card == Card({'type': 'LDNPlus', 'num_feat': 16, 'num_block_photo': 1, 'num_block': 2}, 1.0, 'auto')
    assert all(torch.equal(value, plus.state_dict()[key]) for key, value in loaded.network.state_dict().items())
    assert main([*command, '--type', 'LDNPlus']) == 1  # its width is not the default
    assert 'the weights do not fit LDNPlus' in capsys.readouterr().err
