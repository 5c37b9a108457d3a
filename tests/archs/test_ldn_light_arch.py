"""LDNLight: what it costs, that it starts as light change, and the laws that its parts keep."""

import pytest
import torch

from spikereveal_plugin.archs import LDNLight, LightChange


def sample(height=7, width=9, batch=2, instants=3):
    generator = torch.Generator().manual_seed(1)
    blur = torch.rand(batch, 3, 4 * height, 4 * width, generator=generator)
    spikes = (torch.rand(batch, instants, 41, height, width, generator=generator) < 0.4).float()
    return blur, spikes, torch.rand(batch, 1, height, width, generator=generator)


def trained():
    """A network whose every part reaches the output; a new one is physics alone."""
    torch.manual_seed(0)
    network = LDNLight(num_feat=8, num_block=1)
    torch.nn.init.normal_(network.last.weight, std=0.1)
    return network.eval()


def test_it_is_no_heavier_than_ldn():
    assert sum(p.numel() for p in LDNLight().parameters()) <= 250_000


def test_it_starts_as_light_change():
    torch.testing.assert_close(LDNLight()(*sample()), LightChange()(*sample()))


def test_a_sequence_is_its_frames_and_a_batch_its_photos():
    network, (blur, spikes, long_rate) = trained(), sample()
    whole = network(blur, spikes, long_rate)
    assert whole.shape == (2, 3, 3, 28, 36)
    for instant in range(3):
        torch.testing.assert_close(network(blur, spikes[:, instant], long_rate), whole[:, instant], atol=1e-5, rtol=0)
    torch.testing.assert_close(network(blur[1:], spikes[1:], long_rate[1:]), whole[1:], atol=1e-5, rtol=0)
    assert (whole - LightChange()(blur, spikes, long_rate)).abs().max() > 0.01


def test_denser_spikes_of_the_same_light_change_nothing_of_a_change():
    """Changes come in units of light: the threshold is observed, so a factor on all spikes is taken back."""
    network, (blur, spikes, long_rate) = trained(), sample(instants=1)
    seen = []
    network.spike_in.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    for factor in (1, 0.9):  # thresholds near 1: tapers, which follow the threshold, stay as they are
        network(blur, factor * spikes, factor * long_rate)
    torch.testing.assert_close(seen[0][:, :8], seen[1][:, :8], atol=1e-4, rtol=0)


def test_wrong_shapes_are_refused():
    blur, spikes, long_rate = sample()
    with pytest.raises(ValueError, match=r'expected spikes \(B, 41, H, W\)'):
        LDNLight()(blur, spikes[:, :, :21], long_rate)
    with pytest.raises(ValueError, match='num_spike 21 does not reach -12 readouts'):
        LDNLight(num_spike=21)
