"""The engine `winograd` against `LDN.forward`, and its parts against what defines them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from spikereveal_plugin import Deblurrer
from spikereveal_plugin.archs import LDN, LDNPlus, load_ssdm_file
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.inference.engines import winograd_kernels
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.inference.engines.ldn_tiles import TiledLdnEngine
from spikereveal_plugin.inference.engines.staged import StagedEngine
from spikereveal_plugin.inference.engines.winograd import KERNEL_TRANSFORM, WinogradEngine, as_convolution
from spikereveal_plugin.inference.engines.winograd_lanes import input_transform, output_transform
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights
from spikereveal_plugin.weights.registry import sha256_of

CPU = torch.device('cpu')


def sample(height, width):
    generator = torch.Generator().manual_seed(1)
    blur = torch.rand(1, 3, 4 * height, 4 * width, generator=generator)
    return blur, torch.randint(0, 2, (1, 21, height, width), generator=generator).float()


def run(engine, blur, *windows):
    with torch.inference_mode():
        encoded = engine.encode(blur, windows[0].mean(1, keepdim=True))
        return [engine.frame(encoded, window) for window in windows]


def reference(network, blur, window):
    with torch.inference_mode():
        return network(blur, window)


def test_the_transforms_make_a_correlation():
    """In one dimension: six sums of three products, by eight multiplications."""
    generator = np.random.default_rng(0)
    data, kernel = generator.standard_normal(8), generator.standard_normal(3)
    made = output_transform(list(np.array(input_transform(list(data))) * (KERNEL_TRANSFORM.numpy() @ kernel)))
    np.testing.assert_allclose(made, np.correlate(data, kernel, 'valid'), rtol=0, atol=1e-12)


@pytest.mark.parametrize('size', [(1, 1), (4, 7)])
def test_a_transposed_convolution_is_one_of_four_pixels(size):
    torch.manual_seed(0)
    up = torch.nn.ConvTranspose2d(3, 5, 5, stride=2, padding=2, output_padding=1).double()
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    kernel = as_convolution(up).permute(2, 0, 1, 3, 4, 5).flatten(0, 2)
    assert up.bias is not None
    made = F.pixel_shuffle(F.conv2d(x, kernel, up.bias.repeat_interleave(4), padding=1), 2)
    torch.testing.assert_close(made, up(x), rtol=0, atol=1e-13)


# within a tile, exactly two by three tiles, tiles cut on both sides, more tiles than are done at once
@pytest.mark.parametrize('size', [(1, 1), (5, 3), (12, 18), (13, 9), (31, 44)])
def test_frames_are_the_networks(student, size):
    blur, window = sample(*size)
    other = window.flip(1)
    frames = run(build_engine('winograd', student, CPU), blur, window, other, window)
    expected = reference(student, blur, window)
    assert expected.std() > 0.05
    torch.testing.assert_close(frames[0], expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(frames[1], reference(student, blur, other), rtol=0, atol=1e-5)
    assert torch.equal(frames[0], frames[2])  # nothing is left over from the frame between


def test_threads_share_an_image(student, monkeypatch):
    blur, window = sample(13, 20)
    engine = build_engine('winograd', student, CPU)
    (alone,) = run(engine, blur, window)
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 3)
    assert torch.equal(run(engine, blur, window)[0], alone)


def test_on_the_authors_numbers(shared, golden):
    network = LDN()
    network.load_state_dict(load_ssdm_file(shared / 'weights/ssdm_ldn_gopro.pth')[1])
    file = golden('ldn_64x96.npz')
    blur, window = torch.from_numpy(file['blur_bgr']).flip(1), torch.from_numpy(file['spike'])
    (frame,) = run(build_engine('winograd', network.eval(), CPU), blur, window)
    torch.testing.assert_close(frame.flip(1), torch.from_numpy(file['out_preclip']), rtol=0, atol=1e-5)


def test_another_width():
    torch.manual_seed(0)
    network = LDN(num_feat=8, reduction=8, starts_from_blur=True).eval()
    torch.nn.init.normal_(network.last.weight[:, 3:], std=0.1)
    blur, window = sample(7, 13)
    (frame,) = run(build_engine('winograd', network, CPU), blur, window)
    torch.testing.assert_close(frame, reference(network, blur, window), rtol=0, atol=1e-5)


def test_in_a_deblurrer(pair, tmp_path):
    torch.manual_seed(0)
    network = LDN(starts_from_blur=True)
    torch.nn.init.normal_(network.last.weight[:, 3:], std=0.1)
    save_weights(tmp_path / 'ldn.pth', network.state_dict(), Card({'type': 'LDN'}))
    frames = [
        Deblurrer.from_pretrained(tmp_path / 'ldn.pth', engine=name)(*pair, [20, 28], exposure=Exposure(12, 33))
        for name in ('eager', 'winograd')
    ]
    np.testing.assert_allclose(frames[1], frames[0], rtol=0, atol=1e-5)


def test_what_it_cannot_run_is_refused():
    with pytest.raises(OptionError, match="engine 'winograd': runs LDN only"):
        build_engine('winograd', LDNPlus(num_feat=16, num_block_photo=1, num_block=1), CPU)
    with pytest.raises(OptionError, match='its num_feat a multiple of 4'):
        build_engine('winograd', LDN(num_feat=18), CPU)


def test_auto_is_winograd_where_that_can_run():
    assert isinstance(build_engine('auto', LDN(), CPU), WinogradEngine)
    others = (LDN(num_feat=18), LDNPlus(num_feat=16, num_block_photo=1, num_block=1))
    assert {type(build_engine('auto', network, CPU)) for network in others} == {StagedEngine}
    assert isinstance(build_engine('auto', LDN(), CPU, tile=64), TiledLdnEngine)


def test_without_a_folder_to_keep_kernels_it_compiles_anew(monkeypatch):
    def njit(*, nogil, cache=False):
        if cache:
            raise RuntimeError('no locator available')
        return lambda function: (function, nogil)

    monkeypatch.setattr(winograd_kernels, 'njit', njit)
    assert winograd_kernels._compiled(len) == (len, True)


def test_kept_kernels_follow_the_vector_code():
    """Numba looks at the kernels' own file alone: a change beside it must change that file too."""
    lanes = Path(winograd_kernels.__file__).with_name('winograd_lanes.py')
    assert sha256_of(lanes) == winograd_kernels.LANES_SHA256
