import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.building.shake import Trajectory, draw_trajectory, shaken_frames


def ramp(height, width):
    """Red is the column, green the row, blue white."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack((columns, rows, np.full_like(rows, 255)), axis=-1).astype(np.uint8)


def straight(dx, dy, count=9):
    steps = np.arange(count, dtype=np.float64)
    return Trajectory(dx * steps, dy * steps, np.zeros(count))


def test_the_view_moves_as_the_path_says():
    frames = list(shaken_frames(ramp(200, 240), 64, 96, straight(3, -2), np.random.default_rng(0)))
    moved = np.stack(frames).astype(int) - frames[0].astype(int)
    steps = np.arange(9)[:, None, None]
    assert np.abs(moved[..., 0] - 3 * steps).max() <= 1
    assert np.abs(moved[..., 1] + 2 * steps).max() <= 1
    assert frames[0].shape == (64, 96, 3)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(60, 200), width=st.integers(60, 200))
def test_no_border_is_ever_seen(seed, height, width):
    generator = np.random.default_rng(seed)
    trajectory = draw_trajectory(40, 0.5, 4, generator)
    for frame in shaken_frames(ramp(height, width), 48, 48, trajectory, generator):
        # Beyond a border the photograph is mirrored, so a ramp would turn round.
        across, down = np.diff(frame[..., 0].astype(int), axis=1), np.diff(frame[..., 1].astype(int), axis=0)
        assert across.min() >= 0
        assert down.min() >= 0


def test_a_small_photograph_is_enlarged():
    (frame,) = shaken_frames(ramp(40, 40), 96, 96, straight(0, 0, count=1), np.random.default_rng(0))
    assert np.abs(np.linspace(0, 39, 96) - frame[50, :, 0]).max() <= 1


def test_a_clockwise_turn_of_the_view_turns_the_picture_back():
    trajectory = Trajectory(np.zeros(2), np.zeros(2), np.array([0, math.pi / 2]))
    before, after = shaken_frames(ramp(120, 120), 65, 65, trajectory, np.random.default_rng(0))
    assert np.abs(before[32, 32].astype(int) - after[32, 32]).max() <= 1
    assert np.abs(np.rot90(before)[..., 0].astype(int) - after[..., 0]).max() <= 1


@given(seed=st.integers(0, 2**32 - 1), speed=st.floats(0.1, 2))
def test_a_path_is_as_long_as_asked_and_smooth(seed, speed):
    path = draw_trajectory(137, speed, 1.5, np.random.default_rng(seed))
    assert path.length(0, 137) == pytest.approx(136 * speed, rel=0.02)
    assert path.length(20, 97) == pytest.approx(96 * speed, rel=0.4)
    bends = np.hypot(np.diff(path.x, 2), np.diff(path.y, 2))
    assert bends.max() < 0.25 * speed
    assert np.abs(path.angle).max() <= math.radians(1.5)
