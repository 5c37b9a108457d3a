"""LDNPlus: what it costs, what it starts as, and the laws that its parts keep."""

from importlib import import_module

import pytest
import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch.nn import functional as F

from spikereveal_plugin.archs import LDN, LDNPlus
from spikereveal_plugin.archs.naf import NAFBlock, layer_norm_2d
from spikereveal_plugin.physics.sdm import spike_guided_deblur


def sample(height=6, width=9, batch=2, instants=3, num_spike=41):
    generator = torch.Generator().manual_seed(1)
    blur = torch.rand(batch, 3, 4 * height, 4 * width, generator=generator, dtype=torch.float64)
    spikes = (torch.rand(batch, instants, num_spike, height, width, generator=generator) < 0.4).double()
    return blur, spikes, torch.rand(batch, 1, height, width, generator=generator, dtype=torch.float64)


def trained(**arguments):
    """A network whose every part reaches the output; a new one is physics alone."""
    torch.manual_seed(0)
    network = LDNPlus(**arguments).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def gmacs(network, *inputs):
    info = import_module('mmengine.analysis').get_model_complexity_info
    return info(network, inputs=inputs, show_table=False, show_arch=False)['flops'] / 1e9


@pytest.mark.parametrize('instants', [1, 7])
def test_it_is_no_heavier_than_ldn(instants):
    """At 320 x 180, a quarter of 1280 x 720 in each direction: multiplications go with the area."""
    blur, spikes, long_rate = (t.float() for t in sample(45, 80, batch=1, instants=instants))
    plus = gmacs(ARCH_REGISTRY.get('LDNPlus')(), blur, spikes, long_rate)
    assert plus < gmacs(LDN(), blur, spikes[:, :, :21])
    assert 16 * plus <= 15.9 * instants
    assert sum(p.numel() for p in LDNPlus().parameters()) <= 250_000


def test_it_starts_as_physics():
    blur, spikes, long_rate = sample(instants=1)
    ratios = []
    for sigma in (2.5, 4, 7, 12):
        weights = torch.signal.windows.gaussian(41, std=sigma, dtype=torch.float64)
        rate = (spikes[:, 0] * (weights / weights.sum())[:, None, None]).sum(1, keepdim=True)
        gain = F.interpolate((rate + 0.02) / (long_rate + 0.02), scale_factor=4, mode='bilinear')
        ratios.append(spike_guided_deblur(blur, torch.ones_like(gain), gain))
    share = torch.tensor([-2.0, 0.5, 0.5, 0], dtype=torch.float64).softmax(0)
    expected = sum(weight * ratio for weight, ratio in zip(share, ratios, strict=True))
    frame = LDNPlus().double()(blur, spikes[:, 0], long_rate)
    torch.testing.assert_close(frame, expected, rtol=1e-5, atol=1e-6)


def test_darkness_is_the_photo_and_its_gradients_are_finite():
    blur, spikes, long_rate = (t.requires_grad_() for t in sample(instants=1))
    frame = LDNPlus().double()(blur, 0 * spikes[:, 0], 0 * long_rate)
    torch.testing.assert_close(frame, blur)
    network = trained()
    network(blur, 0 * spikes[:, 0], 0 * long_rate).square().sum().backward()
    tensors = (blur, spikes, long_rate, *network.parameters())
    assert all(tensor.grad is not None and tensor.grad.isfinite().all() for tensor in tensors)


def test_every_parameter_learns_from_the_second_step_on():
    torch.manual_seed(0)
    network = LDNPlus(num_feat=8, num_block_photo=1, num_block=2).double()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(2):
        optimizer.zero_grad()
        (network(*sample()) - 0.5).square().mean().backward()
        optimizer.step()
    assert [name for name, p in network.named_parameters() if not p.grad.abs().sum() > 0] == []


def test_a_sequence_is_the_frames_one_by_one():
    network, (blur, spikes, long_rate) = trained(), sample()
    singly = torch.stack([network(blur, spikes[:, n], long_rate) for n in range(3)], dim=1)
    torch.testing.assert_close(network(blur, spikes, long_rate), singly)


def test_the_photos_branch_runs_once_a_sequence():
    network, calls = LDNPlus().double(), []
    network.photo_in.register_forward_hook(lambda module, inputs, output: calls.append(output.shape[0]))
    network(*sample())
    assert calls == [2]


def test_brightness_of_the_scene_scales_the_physics():
    """The ratio of rates has no unit: half the exposure's light in the photo is half in the frame."""
    blur, spikes, long_rate = sample(instants=1)
    network = LDNPlus().double()
    torch.testing.assert_close(network(blur / 2, spikes[:, 0], long_rate), network(blur, spikes[:, 0], long_rate) / 2)


@pytest.mark.parametrize('size', [(1, 1), (3, 5), (7, 2)])
def test_any_sensor_size(size):
    blur, spikes, long_rate = sample(*size, batch=1)
    assert LDNPlus().double()(blur, spikes, long_rate).shape == (1, 3, *blur.shape[1:])


def test_the_norm_is_of_each_pixel():
    x = 3 + 2 * torch.rand(2, 8, 3, 4, dtype=torch.float64)
    expected = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(layer_norm_2d(x, 8), expected)


def test_a_block_sees_its_neighbours_and_the_mean():
    torch.manual_seed(0)
    block, x = NAFBlock(4).double(), torch.rand(1, 4, 7, 7, dtype=torch.float64, requires_grad=True)
    block.spread(x)[0, :, 3, 3].sum().backward()
    seen = x.grad.abs().sum(1)[0] > 0
    assert torch.equal(seen, F.pad(torch.ones(3, 3, dtype=torch.bool), (2, 2, 2, 2)))
    spread = block.spread(x)
    torch.testing.assert_close(block(x), block.settle(x, spread, spread.mean((2, 3), keepdim=True)))


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        ({'spikes': (1, 21, 4, 4)}, r'expected spikes \(B, 41, H, W\), got \(1, 21, 4, 4\)'),
        ({'blur': (1, 3, 16, 20)}, r'need a blurry image \(1, 3, 16, 16\), got \(1, 3, 16, 20\)'),
        ({'long_rate': (1, 1, 16, 16)}, r'need a long rate \(1, 1, 4, 4\), got \(1, 1, 16, 16\)'),
    ],
)
def test_other_shapes_are_refused(change, match):
    shapes = {'blur': (1, 3, 16, 16), 'spikes': (1, 41, 4, 4), 'long_rate': (1, 1, 4, 4), **change}
    with pytest.raises(ValueError, match=match):
        LDNPlus()(*(torch.zeros(shape) for shape in shapes.values()))


@pytest.mark.parametrize('num_spike', [-1, 40])
def test_another_window_is_refused(num_spike):
    with pytest.raises(ValueError, match=f'num_spike must be odd, got {num_spike}'):
        LDNPlus(num_spike=num_spike)
