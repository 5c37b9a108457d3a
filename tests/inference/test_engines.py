"""Each engine against `LDN.forward` itself."""

import copy
import importlib.util

import pytest
import torch

from spikereveal_plugin.archs import LDN, load_ssdm_file
from spikereveal_plugin.errors import EnvironmentProblemError, OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.inference.deblurrer import Deblurrer
from spikereveal_plugin.inference.engines import staged
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.inference.engines.ldn_tiles import HALO, cut_tiles
from spikereveal_plugin.inference.engines.staged import has_bf16
from spikereveal_plugin.shot import Shot

CPU = torch.device('cpu')
NEEDS_ONNX = pytest.mark.skipif(
    not (importlib.util.find_spec('onnx') and importlib.util.find_spec('onnxruntime')),
    reason="onnx and onnxruntime are not installed: pip install 'spikereveal_plugin[export]'",
)


def sample(height, width, num_spike=21):
    generator = torch.Generator().manual_seed(1)
    blur = torch.rand(1, 3, 4 * height, 4 * width, generator=generator)
    return blur, torch.randint(0, 2, (1, num_spike, height, width), generator=generator).float()


def run(engine, blur, window):
    with torch.inference_mode():
        return engine.frame(engine.encode(blur, window.mean(1, keepdim=True)), window)


def reference(network, blur, window):
    with torch.inference_mode():
        return network(blur, window)


# 130 rows are three strips, the last of them short
@pytest.mark.parametrize('size', [(1, 1), (13, 9), (61, 5), (130, 8)])
def test_eager_is_the_network(student, size):
    blur, window = sample(*size)
    torch.testing.assert_close(
        run(build_engine('eager', student, CPU), blur, window), reference(student, blur, window), rtol=0, atol=2e-6
    )


def test_eager_on_the_authors_numbers(shared, golden):
    network = LDN()
    network.load_state_dict(load_ssdm_file(shared / 'weights/ssdm_ldn_gopro.pth')[1])
    file = golden('ldn_64x96.npz')
    blur, window = torch.from_numpy(file['blur_bgr']).flip(1), torch.from_numpy(file['spike'])
    frame = run(build_engine('eager', network, CPU), blur, window)
    torch.testing.assert_close(frame.flip(1), torch.from_numpy(file['out_preclip']), rtol=0, atol=1e-5)


@pytest.mark.parametrize('size', [(20, 36), (4, 60)])
def test_tiles_are_the_whole(student, size):
    """Pixels in the middle of the image see tile borders on all sides; attention pools over the whole image."""
    blur, window = sample(*size)
    tiled = run(build_engine('eager', student, CPU, tile=64), blur, window)
    torch.testing.assert_close(tiled, reference(student, blur, window), rtol=0, atol=1e-5)


def test_a_smaller_halo_would_not_do(student, monkeypatch):
    blur, window = (tensor.double() for tensor in sample(4, 36))
    network = copy.deepcopy(student).double()  # so that a difference is no rounding

    def difference(halo):
        monkeypatch.setattr(cut_tiles, '__defaults__', (halo,))
        tiled = run(build_engine('eager', network, CPU, tile=64), blur, window)
        return float((tiled - reference(network, blur, window)).abs().max())

    assert difference(HALO) < 1e-12 < difference(HALO - 1)


def test_tiles_without_the_pooling_pass_would_not_do(student):
    blur, window = sample(4, 36)
    engine = build_engine('eager', student, CPU, tile=64)
    engine._pool = lambda blur, window, plan: student.channel_attention.pool(engine._features(blur, window, plan[0])[1])
    assert (run(engine, blur, window) - reference(student, blur, window)).abs().max() > 1e-5


def test_tiles_cover_the_image_once():
    count = torch.zeros(23, 41)
    for tile in cut_tiles(23, 41, 16):
        count[tile.rows, tile.columns] += 1
    assert (count == 1).all()


@NEEDS_ONNX
def test_onnx_runtime_is_the_network(student):
    engine = build_engine('onnx', student, CPU)
    for size in ((13, 9), (24, 31)):
        blur, window = sample(*size)
        torch.testing.assert_close(run(engine, blur, window), reference(student, blur, window), rtol=0, atol=1e-4)


def test_the_photos_branch_runs_once(student):
    calls = []
    handle = student.blur_down1.register_forward_hook(lambda *_: calls.append(1))
    engine = build_engine('eager', student, CPU)
    blur, window = sample(8, 8)
    with torch.inference_mode():
        encoded = engine.encode(blur, window)
        for _ in range(3):
            engine.frame(encoded, window)
    handle.remove()
    assert calls == [1]


def test_bf16_where_there_is_none_is_refused(student, monkeypatch):
    monkeypatch.setattr(staged, 'has_bf16', lambda device: False)
    with pytest.raises(EnvironmentProblemError, match='cannot multiply bfloat16 itself'):
        build_engine('bf16', student, CPU)


def test_bf16_is_near(student, monkeypatch):
    monkeypatch.setattr(staged, 'has_bf16', lambda device: True)
    blur, window = sample(9, 12)
    frame = run(build_engine('bf16', student, CPU), blur, window)
    torch.testing.assert_close(frame, reference(student, blur, window), rtol=0, atol=0.02)
    assert frame.dtype == torch.float32
    assert isinstance(has_bf16(CPU), bool)


def test_another_network_runs_whole():
    class Mean(torch.nn.Module):
        num_spike = 3

        def forward(self, blur, spikes):
            return blur * spikes.mean()

    blur, window = sample(4, 5, num_spike=3)
    shot = Shot(blur, window, Exposure(0, 3))
    (frame,) = build_engine('eager', Mean(), CPU).frames(shot, [1])
    torch.testing.assert_close(frame, blur * window.mean())
    with pytest.raises(OptionError, match='Mean: only the engine eager without tiles'):
        build_engine('onnx', Mean(), CPU)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('fast',), "engine 'fast': expected one of auto, eager, winograd, compiled, bf16, onnx"),
        (('eager', 30), 'tile 30: expected a multiple of 4, 64 or more'),
        (('onnx', 64), 'tiles are run by the engine eager only'),
    ],
)
def test_wrong_engines_are_refused(student, arguments, message):
    name, *tile = arguments
    with pytest.raises(OptionError, match=message):
        build_engine(name, student, CPU, *tile)


def test_sdm_wants_an_odd_window():
    with pytest.raises(OptionError, match='short_window: expected an odd number'):
        Deblurrer.physics(4)
