import numpy as np
import pytest

from spikereveal_plugin.building.framing import framing_for
from spikereveal_plugin.errors import SpikeDataError


def test_a_size_that_fits_is_left_alone():
    framing = framing_for(480, 848, None, 'clip')
    frame = np.random.default_rng(0).integers(0, 256, (480, 848, 3), np.uint8)
    assert not framing.is_cropping
    np.testing.assert_array_equal(framing(frame), frame)


def test_the_middle_is_kept():
    framing = framing_for(1080, 40, None, 'clip')
    assert framing.is_cropping
    assert (framing.height, framing.width) == (1072, 32)
    rows = np.broadcast_to(np.arange(1080)[:, None, None] % 251, (1080, 40, 3)).astype(np.uint8)
    np.testing.assert_array_equal(framing(rows)[:, 0, 0], np.arange(4, 1076) % 251)


def test_resizing_comes_first():
    framing = framing_for(100, 200, (50, 100), 'clip')
    assert framing(np.full((100, 200, 3), 9, np.uint8)).shape == (48, 96, 3)


def test_too_small_is_refused():
    with pytest.raises(SpikeDataError, match='clip: frames of 15x40 pixels; expected at least 16x16'):
        framing_for(400, 400, (15, 40), 'clip')
