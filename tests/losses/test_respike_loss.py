"""The re-spike loss against its definition, and why it is squared."""

import pytest
import torch
from basicsr.utils.registry import LOSS_REGISTRY

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.losses import RespikeLoss
from spikereveal_plugin.physics.density import rate_as_gray
from spikereveal_plugin.physics.simulate import SpikeCamera, simulate_spikes
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate


def test_hand_made_value():
    frame = torch.zeros(1, 3, 2, 4)
    frame[0, 1, :, :2] = torch.tensor([[0.0, 1.0], [1.0, 0.0]])  # green, on the left sensor pixel: gray 0.59 / 2
    light = torch.tensor([[[[0.2, 0.1]]]])
    expected = 3 * ((0.295 - 0.2) ** 2 + 0.1**2) / 2
    assert LOSS_REGISTRY.get('RespikeLoss')(loss_weight=3)(frame, light).item() == pytest.approx(expected)


@pytest.mark.parametrize('threshold', [1.0, 2.0, 4.0])
def test_a_still_scene_costs_nothing_but_noise(threshold):
    """At any threshold the true frame is nearly the cheapest: one a tenth brighter or darker costs more."""
    generator = torch.Generator().manual_seed(0)
    light = 0.2 + 0.6 * torch.rand(24, 32, generator=generator)
    spikes = simulate_spikes(light.expand(137, -1, -1), SpikeCamera(threshold), generator).float()[None]
    frame = light.repeat_interleave(4, 0).repeat_interleave(4, 1).expand(1, 3, -1, -1)
    wanted = rate_as_gray(firing_rate(spikes, 68, 9), exposure_rate(spikes, Exposure()), frame)
    right, *wrong = (RespikeLoss()(factor * frame, wanted) for factor in (1, 0.9, 1.1))
    assert right < min(wrong)


def test_the_scale_is_each_images_own():
    rate, long_rate = torch.rand(2, 1, 3, 4), torch.rand(2, 1, 3, 4)
    blur = torch.rand(2, 3, 12, 16)
    scaled = rate_as_gray(rate, long_rate, blur)
    torch.testing.assert_close(scaled[1:], rate_as_gray(rate[1:], long_rate[1:], blur[1:]))
    gray = 0.30 * blur[:, 0] + 0.59 * blur[:, 1] + 0.11 * blur[:, 2]
    torch.testing.assert_close(scaled[0], rate[0] * gray[0].mean() / long_rate[0].mean())
    torch.testing.assert_close(rate_as_gray(rate / 4, long_rate / 4, blur), scaled)  # of another threshold


def test_no_spike_is_no_scale():
    assert rate_as_gray(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), torch.ones(1, 3, 8, 8)).abs().max() == 0


def test_the_average_of_noisy_counts_is_cheapest_where_an_absolute_difference_finds_black():
    rate = 0.04  # nine readouts hold a spike in about a third of the pixels
    counts = (torch.rand(1, 9, 64, 64, generator=torch.Generator().manual_seed(0)) < rate).float().mean(1, keepdim=True)
    levels = torch.linspace(0, 0.2, 41)

    def best(distance):
        costs = [distance(torch.full((1, 3, 256, 256), float(level)), counts) for level in levels]
        return float(levels[int(torch.tensor(costs).argmin())])

    assert best(RespikeLoss()) == pytest.approx(rate, abs=0.005)
    assert best(lambda frame, light: (frame[:, :1, ::4, ::4] - light).abs().mean()) == 0


@pytest.mark.parametrize('shape', [(2, 3, 10, 8), (3, 3, 8, 8), (2, 5, 3, 8, 8)])
def test_unfit_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r'expected frames \(B, 3, H, W\) and light \(B, 1, h, w\)'):
        RespikeLoss()(torch.zeros(shape), torch.zeros(2, 1, 4, 4))
