import numpy as np
import pytest
import torch

from spikereveal_plugin.building.exposure_builder import (
    Capture,
    ExposureBuilder,
    check_threshold,
)
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.fixed_pattern import FixedPattern
from spikereveal_plugin.physics.simulate import inherent_noise, simulate_spikes
from spikereveal_plugin.recordings.light import sensor_light, undo_srgb


def record(frames, capture, seed=0):
    builder = ExposureBuilder(capture, *frames[0].shape[:2], torch.Generator().manual_seed(seed))
    for frame in frames:
        builder.add(frame, sensor_light(frame, capture.ratio))
    return builder.finish()


def random_frames(count, height=32, width=48, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8)


def test_light_is_what_the_authors_sensor_sees(golden):
    file = golden('resize_gray_blur.npz')
    light = sensor_light(file['img_bgr'][:, :, ::-1])
    np.testing.assert_allclose(light, file['gray_in_exposure'], atol=1e-6)


def test_white_stays_within_range():
    assert sensor_light(np.full((16, 16, 3), 255, np.uint8)).max() <= 1


def test_blur_is_the_authors(golden):
    file = golden('resize_gray_blur.npz')
    raw = file['raw97'][..., ::-1]
    margin = np.zeros((20, *raw.shape[1:]), np.uint8)
    sample = record([*margin, *raw, *margin], Capture())
    np.testing.assert_array_equal(sample.blur, file['blur_png'][..., ::-1])
    np.testing.assert_array_equal(sample.sharp, raw[48])
    assert list(sample.sharp_sequence) == [20, 36, 52, 68, 84, 100, 116]
    np.testing.assert_array_equal(sample.sharp_sequence[116], raw[96])


@pytest.mark.parametrize('has_noise', [False, True])
def test_spikes_are_those_of_the_whole_stream(has_noise):
    frames = random_frames(12)
    capture = Capture(exposure=Exposure(3, 5), num_readouts=12, num_sharp=3, has_noise=has_noise)
    generator = torch.Generator().manual_seed(5)
    expected = simulate_spikes(
        torch.from_numpy(np.stack([sensor_light(frame) for frame in frames])), capture.camera, generator
    )
    if has_noise:
        expected |= inherent_noise(12, 8, 12, capture.camera, generator)
    sample = record(frames, capture, seed=5)
    assert sample.spikes.dtype == np.bool_
    np.testing.assert_array_equal(sample.spikes, expected.numpy())


def test_float_frames_are_averaged_before_rounding():
    capture = Capture(exposure=Exposure(0, 2), num_readouts=2, num_sharp=1)
    sample = record([np.full((16, 16, 3), value, np.float32) for value in (10.4, 10.4)], capture)
    assert (sample.blur == 10).all()
    sample = record([np.full((16, 16, 3), value, np.float32) for value in (10.4, 11.4)], capture)
    assert (sample.blur == 11).all()


def test_the_centre_is_kept_when_the_sequence_leaves_it_out():
    frames = random_frames(9)
    sample = record(frames, Capture(exposure=Exposure(0, 9), num_readouts=9, num_sharp=2))
    assert list(sample.sharp_sequence) == [0, 8]
    np.testing.assert_array_equal(sample.sharp, frames[4])


def test_wrong_number_of_readouts_is_refused():
    capture = Capture(exposure=Exposure(0, 3), num_readouts=3, num_sharp=1)
    builder = ExposureBuilder(capture, 16, 16, torch.Generator())
    frame = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match='0 of 3 readouts were recorded'):
        builder.finish()
    for _ in range(3):
        builder.add(frame, sensor_light(frame))
    assert builder.is_complete
    with pytest.raises(ValueError, match='already holds its 3 readouts'):
        builder.add(frame, sensor_light(frame))


@pytest.mark.parametrize('threshold', [0, -1, float('nan'), float('inf')])
def test_impossible_threshold_is_a_users_mistake(threshold):
    with pytest.raises(OptionError, match='expected a positive number'):
        check_threshold(threshold)


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_linear_light_is_averaged_as_light(dtype):
    black, white = (np.full((16, 16, 3), value, dtype) for value in (0, 255))
    capture = Capture(exposure=Exposure(0, 2), num_readouts=2, num_sharp=1, linear_light=True, has_noise=False)
    builder = ExposureBuilder(capture, 16, 16, torch.Generator().manual_seed(0))
    for frame in (black, white):
        builder.add(frame, sensor_light(frame, linear_light=True))
    assert (builder.finish().blur == 188).all()  # half the light is 0.735 on the sRGB curve


def test_linear_light_reaches_the_sensor():
    frame = np.full((16, 16, 3), 128, np.uint8)
    light = sensor_light(frame, linear_light=True)
    np.testing.assert_allclose(light, np.full((4, 4), 0.2158605), atol=1e-5, rtol=0)
    fine = np.random.default_rng(0).uniform(0, 255, (16, 16, 3)).astype(np.float32)
    exact = ((fine[0, 0, 0] / 255 + 0.055) / 1.055) ** 2.4
    assert abs(undo_srgb(fine)[0, 0, 0] / 255 - exact) < 5e-4


@pytest.mark.parametrize('ratio', [1, 2, 8])
def test_other_sensor_sizes(ratio):
    frames = random_frames(4, 32, 48)
    capture = Capture(exposure=Exposure(0, 4), num_readouts=4, num_sharp=1, ratio=ratio)
    assert record(frames, capture).spikes.shape == (4, 32 // ratio, 48 // ratio)


def test_a_pattern_reaches_the_sensor():
    pattern = FixedPattern(torch.tensor([[0.5, 1.0]]), torch.zeros(1, 2))
    capture = Capture(exposure=Exposure(0, 200), num_readouts=200, num_sharp=1, pattern=pattern, has_noise=False)
    rate = record([np.full((4, 8, 3), 128, np.uint8)] * 200, capture).spikes.mean(axis=0)
    assert rate[0, 0] == pytest.approx(rate[0, 1] / 2, abs=0.01)
