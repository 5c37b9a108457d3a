import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.physics.fixed_pattern import FixedPattern
from spikereveal_plugin.physics.simulate import (
    SpikeCamera,
    SpikeIntegrator,
    inherent_noise,
    noise_places,
    random_start,
    shot_noise,
    simulate_spikes,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_gain_of_the_paper(golden):
    assert SpikeCamera().gain == pytest.approx(float(golden('simulator.npz')['K250']), rel=1e-15)
    assert SpikeCamera().voltage == float(golden('simulator.npz')['Vth'])


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_reference_spikes(golden, dtype):
    reference = golden('simulator.npz')
    integrator = SpikeIntegrator(SpikeCamera(), torch.from_numpy(reference['g0_rand']).to(dtype))
    frames = torch.from_numpy(reference['frames']).to(dtype)
    spikes = torch.stack([integrator.step(frame) for frame in frames]).numpy()
    np.testing.assert_array_equal(spikes, reference['spikes_no_noise'])
    noisy = spikes | (reference['noise_HWT'].transpose(2, 0, 1) > 0)
    np.testing.assert_array_equal(noisy, reference['spikes_with_noise'])


def test_reference_noise_places(golden):
    reference = golden('simulator.npz')
    expected = np.flatnonzero(reference['noise_HWT'])
    places = noise_places(torch.from_numpy(reference['noise_gaussian_draws']).double(), 0.0).long().numpy()
    np.testing.assert_array_equal(places[places < reference['noise_HWT'].size], expected)


def test_one_pixel_by_hand():
    gain = SpikeCamera().gain
    integrator = SpikeIntegrator(SpikeCamera(), torch.full((1, 1), 0.5))
    voltage, fired = 0.5 * gain, []
    for _ in range(20):
        voltage += 0.3 * gain
        fired.append(voltage > 2)
        voltage -= 2 * fired[-1]
    light = torch.full((1, 1), 0.3, dtype=torch.float64)
    assert [bool(integrator.step(light)) for _ in range(20)] == fired


def test_a_threshold_below_the_gain_keeps_the_remainder_only():
    integrator = SpikeIntegrator(SpikeCamera(threshold=0.25), torch.zeros(1, 1))
    light = torch.ones(1, 1)
    assert [bool(integrator.step(light)) for _ in range(4)] == [True] * 4


@settings(max_examples=20, deadline=None)
@given(light=st.floats(0, 1), threshold=st.sampled_from([1.0, 2.0, 4.0]), seed=st.integers(0, 99))
def test_the_rate_follows_light_over_threshold(light, threshold, seed):
    camera = SpikeCamera(threshold=threshold)
    spikes = simulate_spikes(torch.full((200, 3, 4), light, dtype=torch.float64), camera, seeded(seed))
    expected = light * camera.gain / camera.voltage
    assert (spikes.double().mean(0) - expected).abs().max() <= 1 / 200 + 1e-9


@pytest.mark.parametrize('threshold', [0.2, 0.7, 0.99, 1.0, 1.7, 2.0, 4.0])
def test_the_fast_remainder_is_the_remainder(threshold):
    camera = SpikeCamera(threshold=threshold)
    frames = torch.rand(300, 5, 7, generator=seeded(4))
    start = random_start(5, 7, seeded(6))
    voltage, expected = np.zeros((5, 7)), []
    for frame in (start, *frames):
        voltage = voltage + frame.numpy().astype(np.float64) * camera.gain
        expected.append(voltage > camera.voltage)
        voltage = np.where(expected[-1], np.fmod(voltage, camera.voltage), voltage)
    spikes = simulate_spikes(frames, camera, seeded(6))
    np.testing.assert_array_equal(spikes.numpy(), np.stack(expected[1:]))


def test_dark_current_fires_without_light():
    camera = SpikeCamera(dark_current=0.125)
    spikes = simulate_spikes(torch.zeros(800, 4, 4), camera, seeded(1))
    expected = 0.125 * camera.gain / camera.voltage
    assert (spikes.double().mean(0) - expected).abs().max() <= 1 / 800 + 1e-9


def test_pixels_follow_their_own_maps():
    pattern = FixedPattern(torch.tensor([[0.5, 1.0, 1.5]]), torch.tensor([[0.1, 0.0, -0.2]]))
    camera = SpikeCamera(threshold=2.0)
    spikes = simulate_spikes(torch.full((1000, 1, 3), 0.4), camera, seeded(1), pattern)
    expected = torch.tensor([[0.3, 0.4, 0.4]], dtype=torch.float64) * camera.gain / camera.voltage
    assert (spikes.double().mean(0) - expected).abs().max() <= 2 / 1000


def test_a_pattern_of_equal_pixels_changes_nothing():
    frames, pattern = torch.rand(50, 4, 6, generator=seeded(2)), FixedPattern(torch.ones(4, 6), torch.zeros(4, 6))
    plain = simulate_spikes(frames, SpikeCamera(), seeded(3))
    assert torch.equal(simulate_spikes(frames, SpikeCamera(), seeded(3), pattern), plain)


def test_shot_noise_spreads_as_poisson_counts_do():
    charge = torch.full((200_000,), 0.25, dtype=torch.float64)
    drawn = shot_noise(charge, 400.0, seeded(5))
    assert drawn.mean().item() == pytest.approx(0.25, rel=2e-3)
    assert drawn.std().item() == pytest.approx((0.25 / 400) ** 0.5, rel=1e-2)


def test_shot_noise_is_seeded_and_vanishes_with_many_electrons():
    frames = torch.rand(60, 4, 5, generator=seeded(8))
    noisy = simulate_spikes(frames, SpikeCamera(shot_electrons=20.0), seeded(9))
    assert torch.equal(noisy, simulate_spikes(frames, SpikeCamera(shot_electrons=20.0), seeded(9)))
    plain = simulate_spikes(frames, SpikeCamera(), seeded(9))
    assert not torch.equal(noisy, plain)
    assert torch.equal(simulate_spikes(frames, SpikeCamera(shot_electrons=1e14), seeded(9)), plain)


def test_shot_noise_and_patterns_need_what_they_need():
    with pytest.raises(ValueError, match='shot noise is random: give a generator'):
        SpikeIntegrator(SpikeCamera(shot_electrons=1.0), torch.zeros(2, 2))
    with pytest.raises(ValueError, match=r'maps of \(1, 2\) pixels, the sensor has \(2, 2\)'):
        SpikeIntegrator(SpikeCamera(), torch.zeros(2, 2), FixedPattern(torch.ones(1, 2), torch.zeros(1, 2)))


def test_a_stream_is_what_the_integrator_gives_frame_by_frame():
    frames = torch.rand(9, 4, 5, generator=seeded(3))
    integrator = SpikeIntegrator(SpikeCamera(), random_start(4, 5, seeded(7)))
    expected = torch.stack([integrator.step(frame) for frame in frames])
    assert torch.equal(simulate_spikes(frames, SpikeCamera(), seeded(7)), expected)


def test_arguments_are_not_changed():
    start, light = torch.full((2, 2), 0.5, dtype=torch.float64), torch.full((2, 2), 0.9, dtype=torch.float64)
    integrator = SpikeIntegrator(SpikeCamera(), start)
    integrator.step(light)
    assert torch.equal(start, torch.full_like(start, 0.5))
    assert torch.equal(light, torch.full_like(light, 0.9))


def test_noise_is_as_dense_as_stated_and_reproducible():
    noise = inherent_noise(100, 60, 80, SpikeCamera(), seeded(1))
    assert noise.shape == (100, 60, 80)
    assert noise.dtype == torch.bool
    assert noise.is_contiguous()
    assert noise.float().mean().item() == pytest.approx(1 / 140, rel=0.05)
    assert torch.equal(noise, inherent_noise(100, 60, 80, SpikeCamera(), seeded(1)))


def test_noise_reaches_the_end_of_the_volume():
    places = inherent_noise(100, 60, 80, SpikeCamera(), seeded(2)).permute(1, 2, 0).flatten().nonzero().flatten()
    assert places[-1] > 100 * 60 * 80 - 1000
    gaps = places.diff().double()
    assert gaps.mean().item() == pytest.approx(140, rel=0.05)
    assert gaps.std().item() == pytest.approx(50, rel=0.05)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-300, 300), min_size=1, max_size=50))
def test_noise_never_stands_still(gaps):
    places = noise_places(torch.tensor([-5.0, *gaps], dtype=torch.float64), 0.0).long()
    assert places[0] >= 1
    assert (places.diff() >= 1).all()


@pytest.mark.parametrize(
    ('light', 'message'),
    [
        (torch.full((2, 2), 1.5), r'expected values in \[0, 1\], got \[1\.5, 1\.5\]'),
        (torch.full((2, 2), -0.1), r'expected values in \[0, 1\]'),
        (torch.tensor([[0.5, float('nan')], [0.0, 1.0]]), 'nan'),
        (torch.ones(2, 2, dtype=torch.uint8), r'torch\.uint8; divide 8-bit frames by 255'),
        (torch.ones(2, 3), r'expected shape \(2, 2\), got \(2, 3\)'),
        (torch.ones(1, 1), r'expected shape \(2, 2\), got \(1, 1\)'),
    ],
)
def test_light_that_is_none_is_refused(light, message):
    integrator = SpikeIntegrator(SpikeCamera(), torch.zeros(2, 2))
    with pytest.raises(ValueError, match=message):
        integrator.step(light)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r'start light: expected \(h, w\)'):
        SpikeIntegrator(SpikeCamera(), torch.zeros(1, 2, 2))
    for frames in (torch.ones(2, 2), torch.ones(0, 2, 2)):
        with pytest.raises(ValueError, match=r'frames: expected \(T, h, w\)'):
            simulate_spikes(frames, SpikeCamera(), seeded())
    with pytest.raises(ValueError, match=r'noise: expected sizes of 1 or more, got \(0, 2, 2\)'):
        inherent_noise(0, 2, 2, SpikeCamera(), seeded())


@pytest.mark.parametrize(
    ('constants', 'message'),
    [
        ({'threshold': 0}, 'threshold must be positive and finite, got 0'),
        ({'threshold': float('nan')}, 'threshold must be positive'),
        ({'noise_gap_mean': 0.5}, 'noise_gap_mean must be finite and 1 or more'),
        ({'dark_current': 1}, r'dark_current must be in \[0, 1\) of full light, got 1'),
        ({'shot_electrons': -1}, 'shot_electrons must be finite and 0 or more'),
        ({'noise_gap_std': -1}, 'noise_gap_std must be finite and 0 or more'),
    ],
)
def test_impossible_cameras_are_refused(constants, message):
    with pytest.raises(ValueError, match=message):
        SpikeCamera(**constants)
