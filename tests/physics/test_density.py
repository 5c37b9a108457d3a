import pytest
import torch

from spikereveal_plugin.physics.density import normalise_density, observed_threshold
from spikereveal_plugin.physics.simulate import SpikeCamera, simulate_spikes


def scene(threshold):
    """A still gray scene and its firing rate over 400 readouts, without noise."""
    generator = torch.Generator().manual_seed(0)
    light = 0.2 + 0.6 * torch.rand(12, 16, generator=generator)
    spikes = simulate_spikes(light.expand(400, -1, -1), SpikeCamera(threshold), generator)
    return light.expand(1, 3, -1, -1), spikes.float().mean(0)[None, None]


@pytest.mark.parametrize('threshold', [1.0, 2.0, 4.0])
def test_the_simulated_cameras_threshold_is_observed(threshold):
    camera = SpikeCamera(threshold)
    expected = camera.voltage / camera.gain  # light per spike: 2 theta / K, about theta
    assert observed_threshold(*scene(threshold)) == pytest.approx(expected, rel=0.01)


def test_it_is_exact_where_eq_5_is():
    rate = torch.rand(1, 1, 4, 6)
    blur = (3 * rate).expand(-1, 3, -1, -1)  # gray(B) = theta TFP_long with theta = 3
    assert observed_threshold(blur, rate) == pytest.approx(3, rel=1e-5)


def test_it_needs_no_registration():
    blur, rate = scene(2.0)
    assert observed_threshold(blur.flip(2), rate) == pytest.approx(observed_threshold(blur, rate))


def test_normalised_spikes_have_the_density_of_the_training():
    """Cameras of thresholds 1 and 4 fire differently, and are the same once normalised (Eq. 5)."""
    means = []
    for threshold in (1.0, 4.0):
        blur, rate = scene(threshold)
        means.append(float(normalise_density(rate, observed_threshold(blur, rate), trained=1.0).mean()))
    assert means[0] == pytest.approx(means[1], rel=1e-5)
    assert means[0] == pytest.approx(float(scene(1.0)[1].mean()), rel=0.01)


def test_the_trained_camera_is_left_alone():
    spikes = torch.randint(0, 2, (3, 4, 5)).float()
    torch.testing.assert_close(normalise_density(spikes, 2.0, 2.0), spikes, rtol=0, atol=0)


def test_no_scale_is_refused():
    with pytest.raises(ValueError, match='mean firing rate 0.0; both must be positive'):
        observed_threshold(torch.ones(1, 3, 4, 4), torch.zeros(1, 1, 4, 4))
    with pytest.raises(ValueError, match='mean light is 0.0'):
        observed_threshold(torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 4, 4))
    with pytest.raises(ValueError, match='thresholds must be positive, got observed 1 and trained 0'):
        normalise_density(torch.ones(1), 1, 0)
