import pytest
import torch

from spikereveal_plugin.physics.density import density_kernel, normalise_density
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.physics.simulate import SpikeCamera, simulate_spikes


def record(threshold):
    """A still gray scene and its 400 readouts, without noise."""
    generator = torch.Generator().manual_seed(0)
    light = 0.2 + 0.6 * torch.rand(12, 16, generator=generator)
    spikes = simulate_spikes(light.expand(400, -1, -1), SpikeCamera(threshold), generator)
    return light.expand(1, 3, -1, -1), spikes.float()[None]


def scene(threshold):
    blur, spikes = record(threshold)
    return blur, spikes.mean(1, keepdim=True)


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


@pytest.mark.parametrize('ratio', [0.3, 1.0, 1.96, 2.0, 3.5, 4.0, 9.0])
def test_the_kernel_sums_to_the_ratio(ratio):
    kernel = density_kernel(ratio)
    assert len(kernel) % 2 == 1
    assert kernel == kernel[::-1]
    assert sum(kernel) == pytest.approx(ratio)
    assert 0 < max(kernel) <= 1
    assert min(kernel) > 0


def test_kernels_by_hand():
    assert density_kernel(1) == (1,)
    assert density_kernel(2) == (0.5, 1, 0.5)
    assert density_kernel(4) == (0.5, 1, 1, 1, 0.5)


def test_a_readout_is_the_weighted_sum_around_it():
    spikes = torch.randint(0, 2, (2, 9, 3, 4)).double()
    found = normalise_density(spikes, 4.0)
    by_hand = spikes[:, 2] / 2 + spikes[:, 3] + spikes[:, 4] + spikes[:, 5] + spikes[:, 6] / 2
    torch.testing.assert_close(found[:, 4], by_hand)
    first = (spikes[:, 0] + spikes[:, 1] + spikes[:, 2] / 2) * 4 / 2.5
    torch.testing.assert_close(found[:, 0], first)


@pytest.mark.parametrize('ratio', [0.5, 1.0, 2.0, 3.3])
@pytest.mark.parametrize('count', [1, 2, 30])
def test_a_constant_stream_becomes_ratio_times_itself(ratio, count):
    torch.testing.assert_close(
        normalise_density(torch.ones(1, count, 2, 2), ratio), torch.full((1, count, 2, 2), ratio)
    )


def test_normalised_spikes_have_the_density_of_the_training_and_are_near_0_and_1():
    """A camera of threshold 4 fires a quarter; summed, its readouts look like those of threshold 1 (Eq. 5)."""
    streams = {threshold: record(threshold) for threshold in (1.0, 4.0)}
    blur, spikes = streams[4.0]
    ratio = observed_threshold(blur, spikes.mean(1, keepdim=True))
    summed, scaled = normalise_density(spikes, ratio), spikes * ratio
    wanted = float(streams[1.0][1].mean())
    assert float(summed.mean()) == pytest.approx(wanted, rel=0.02)
    assert float(summed[:, 4:-4].max()) <= 1.5 < float(scaled.max())


def test_no_scale_is_refused():
    with pytest.raises(ValueError, match='mean firing rate 0.0; both must be positive'):
        observed_threshold(torch.ones(1, 3, 4, 4), torch.zeros(1, 1, 4, 4))
    with pytest.raises(ValueError, match='mean light is 0.0'):
        observed_threshold(torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 4, 4))
    with pytest.raises(ValueError, match='expected a positive ratio, got 0'):
        normalise_density(torch.ones(1, 1, 1, 1), 0)
