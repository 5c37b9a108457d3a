"""Each step of the light change by a law, and its noise by simulation."""

import pytest
import torch
from torch.nn import functional as F

from spikereveal_plugin.archs import LightChange
from spikereveal_plugin.archs.light_change_arch import taper_sigma
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.light_change import (
    add_change,
    colour_lines,
    light_change,
    rare_noise,
    shrink,
    smooth,
    taper_noise,
)
from spikereveal_plugin.physics.simulate import SpikeCamera, inherent_noise, simulate_spikes
from spikereveal_plugin.physics.taper import gaussian_tapers, tapered_rate

ONE = torch.ones(1, 1, 1, 1)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_of_a_still_scene_the_photo_comes_back_to_the_bit():
    blur = random(2, 3, 48, 64)
    spikes = torch.ones(2, 4, 41, 12, 16)
    frames = LightChange()(blur, spikes, torch.ones(2, 1, 12, 16))
    assert torch.equal(frames, blur[:, None].expand(2, 4, 3, 48, 64))


def test_frames_of_the_whole_exposure_average_to_the_photo():
    blur, spikes = random(1, 3, 32, 48), (random(1, 40, 8, 12) < 0.4).float()
    parts = spikes.unflatten(1, (8, 5)).mean(2)  # eight windows that share the exposure
    change = light_change(parts, spikes.mean(1, keepdim=True), 2 * ONE)
    frames = add_change(blur, change, colour_lines(F.avg_pool2d(blur, 4)))
    torch.testing.assert_close(frames.mean(1), blur)


def test_the_gray_of_a_change_is_the_spikes():
    colours = colour_lines(random(1, 3, 16, 24))
    torch.testing.assert_close(gray(colours), torch.ones(1, 1, 16, 24))


def test_colours_lie_on_the_line_between_two_sides():
    """Red beside gray: what changes is the difference of the two, not the photo's own mixture."""
    red, table = torch.tensor([0.8, 0.1, 0.1]), torch.tensor([0.5, 0.5, 0.5])
    share = torch.linspace(0, 1, 96)[None, :].expand(64, 96)
    blur = (share * red[:, None, None] + (1 - share) * table[:, None, None])[None]
    expected = (red - table) / float(gray((red - table)[:, None, None]))
    found = colour_lines(F.avg_pool2d(blur, 4))[0, :, 8, 12]
    expected = expected.clamp(-0.5, 3)
    torch.testing.assert_close(found, expected / gray(expected[:, None, None]).flatten(), rtol=0, atol=0.03)  # a prior


@pytest.mark.parametrize('scale', [0.25, 3.0])
def test_shrinking_scales_with_the_light(scale: float):
    change, noise = random(1, 2, 16, 24) - 0.5, 0.1 * ONE
    torch.testing.assert_close(shrink(scale * change, scale * noise), scale * shrink(change, noise))
    assert (shrink(change, noise).abs() <= change.abs()).all()
    torch.testing.assert_close(shrink(change, 0 * ONE), change)


@pytest.mark.parametrize('axis', [-1, -2])
def test_a_flipped_scene_gives_flipped_frames(axis: int):
    network = LightChange(num_spike=9)
    blur, spikes = random(1, 3, 48, 64).double(), (random(1, 9, 12, 16) < 0.4).double()
    long_rate = random(1, 1, 12, 16, seed=1).double()
    flipped = network(blur.flip(axis), spikes.flip(axis), long_rate.flip(axis))
    torch.testing.assert_close(flipped, network(blur, spikes, long_rate).flip(axis))


@pytest.mark.parametrize('has_noise', [True, False])
@pytest.mark.parametrize('threshold', [1.0, 2.0, 4.0])
def test_the_noise_of_a_taper_is_that_of_simulated_spikes(threshold: float, has_noise: bool):
    """Over steady light of many strengths; roundings in a row are no worse than if each were at random."""
    light = random(80, 80) * 0.7 + 0.2
    camera, generator = SpikeCamera(threshold), torch.Generator().manual_seed(0)
    spikes = simulate_spikes(light.expand(200, 80, 80), camera, generator)
    if has_noise:
        spikes |= inherent_noise(200, 80, 80, camera, generator)
    weights = gaussian_tapers(41, taper_sigma(torch.tensor([threshold])))
    rate = spikes.float().mean(0)
    errors = tapered_rate(spikes[None, 80:121].float(), weights)[0, 0] - rate
    expected = taper_noise(weights, rate[None, None], 1 / 140 if has_noise else 0.0).square().mean().sqrt()
    ratio = float(errors.std() / expected)
    assert (0.75 if has_noise else 0.4) < ratio < 1.1


@pytest.mark.parametrize('light', [0.1, 0.2])
def test_of_a_still_dark_scene_hardly_any_change_is_left(light: float):
    """Neighbours in step, at threshold 4: what is left is below a level of 255; without `rare_noise`, twice as much."""
    scene = (light * (1 + 0.02 * random(80, 80))).clamp(max=1)
    camera, generator = SpikeCamera(4.0), torch.Generator().manual_seed(0)
    spikes = simulate_spikes(scene.expand(137, 80, 80), camera, generator) | inherent_noise(
        137, 80, 80, camera, generator
    )
    network, windows = LightChange(), spikes[None, None, 48:89].float()
    long_rate = spikes[None, 20:117].float().mean(1, keepdim=True)
    photo = network.read(F.interpolate(scene.expand(1, 3, 80, 80), scale_factor=4), long_rate)
    left = float(network.changes(photo, windows).std())
    plain = float(network.changes(photo._replace(noise=photo.noise / rare_noise(long_rate)), windows).std())
    assert left < 0.7 / 255
    assert plain > 2 * left


def test_noise_reaches_further_only_where_pixels_fire_rarely():
    rates = torch.tensor([0.0, 0.02, 0.05, 0.1, 0.5])[:, None, None, None].expand(5, 1, 9, 9)
    expected = torch.tensor([5**1.5, 5**1.5, 2**1.5, 1.0, 1.0])
    torch.testing.assert_close(rare_noise(rates)[:, 0, 4, 4], expected)


def test_instants_are_independent_and_shapes_are_checked():
    network = LightChange(num_spike=9)
    blur, spikes, long_rate = random(2, 3, 32, 48), (random(2, 3, 9, 8, 12) < 0.4).float(), random(2, 1, 8, 12, seed=1)
    together = network(blur, spikes, long_rate)
    torch.testing.assert_close(together[:, 1], network(blur, spikes[:, 1], long_rate))
    with pytest.raises(ValueError, match=r'expected spikes \(B, 9, H, W\)'):
        network(blur, spikes[:, :, :7], long_rate)
    with pytest.raises(ValueError, match='expected an odd num_spike'):
        LightChange(num_spike=8)


def test_small_sensors_are_smoothed_as_far_as_they_reach():
    assert smooth(random(1, 1, 3, 4), 8.0).shape == (1, 1, 3, 4)
    assert torch.equal(smooth(random(1, 1, 1, 1), 8.0), random(1, 1, 1, 1))
