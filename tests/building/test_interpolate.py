import cv2
import numpy as np
import pytest

from spikereveal_plugin.building.interpolate import DisInterpolator, flows_to_ends
from spikereveal_plugin.errors import OptionError


def texture(height=96, width=128, seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))


def test_a_still_scene_stays():
    frame = texture()
    frames = list(DisInterpolator()(frame, frame, 4))
    assert len(frames) == 4
    for made in frames:
        assert made.dtype == np.float32
        np.testing.assert_allclose(made, frame, atol=1)


def test_the_first_frame_is_the_original_and_the_second_is_left_to_the_next_call():
    first, second = texture(seed=1), texture(seed=2)
    (only,) = DisInterpolator()(first, second, 1)
    np.testing.assert_array_equal(only, first)


def test_a_moving_scene_moves_evenly():
    scene = texture(96, 160)
    views = [scene[:, 8 - shift : 136 - shift] for shift in range(9)]  # moves to the right by one pixel a view
    made = list(DisInterpolator()(views[0], views[8], 8))
    inside = np.s_[12:-12, 12:-12]
    for shift in (2, 4, 6):
        assert psnr(made[shift][inside], views[shift][inside]) > 33
        assert psnr(made[shift][inside], (views[0][inside] / 2 + views[8][inside] / 2)) < 25


@pytest.mark.parametrize('time', [0.0, 0.25, 0.5, 1.0])
def test_flows_of_constant_motion_are_exact(time):
    motion = np.full((4, 5, 2), (3.0, -2.0), np.float32)
    to_first, to_second = flows_to_ends(motion, -motion, time)
    np.testing.assert_allclose(to_first, -time * motion, atol=1e-6)
    np.testing.assert_allclose(to_second, (1 - time) * motion, atol=1e-6)


def test_unknown_preset_is_refused():
    with pytest.raises(OptionError, match="preset 'best' is unknown"):
        DisInterpolator('best')


def test_real_footage_is_clearly_better_than_averaging(shared):
    video = cv2.VideoCapture(str(shared / 'data/clips/hero7.mp4'))
    frames = [video.read()[1] for _ in range(42)]
    video.release()
    method, gains = DisInterpolator('fast'), []
    for index in (0, 20, 39):
        first, middle, second = (cv2.resize(frame, (424, 240)) for frame in frames[index : index + 3])
        made = list(method(first, second, 2))[1]
        gains.append(psnr(made, middle) - psnr(first / 2 + second / 2, middle))
    assert np.mean(gains) > 3
