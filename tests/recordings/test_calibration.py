import json

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.recordings.calibration import (
    Calibration,
    load_calibration,
    save_calibration,
    seen_window,
    to_sensor_grid,
)

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
SIDES = st.integers(1, 9999)


def some(**fields):
    return Calibration(**{'homography': IDENTITY, 'image_size': (80, 96), 'sensor_size': (20, 24), 'first': 2,
                          'length': 5, 'residual': 0.1, **fields})  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(NUMBERS, min_size=8, max_size=8), st.tuples(SIDES, SIDES), st.integers(0, 999), st.floats(0, 99))
def test_what_is_written_is_read_back(tmp_path_factory, numbers, size, first, residual):
    rows = tuple(tuple(row) for row in np.array([*numbers, 1.0]).reshape(3, 3).tolist())
    path = tmp_path_factory.mktemp('calibration') / 'rig.json'
    assume(abs(np.linalg.det(np.array(rows))) > 1e-9)
    calibration = some(homography=rows, sensor_size=size, first=first, residual=residual)
    save_calibration(path, calibration)
    assert load_calibration(path) == calibration


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'format': 2}, 'not a calibration of format 1'),
        ({'first': -1}, 'first 0 or more'),
        ({'length': 2.5}, 'length must hold whole numbers, found 2.5'),
        ({'homography': [[0] * 3] * 3}, 'finite and invertible'),
        ({'homography': [[1, 2], [3, 4]]}, '3 rows of 3 numbers'),
        ({'homography': 'abc'}, 'could not convert'),
        ({'image_size': [1, 2, 3]}, 'sizes must be'),
        ({'residual': float('nan')}, 'residual must be 0 or more'),
        ({'other': 1}, 'other is missing or unknown'),
    ],
)
def test_impossible_files_are_refused(tmp_path, change, message):
    save_calibration(tmp_path / 'rig.json', some())
    content = json.loads((tmp_path / 'rig.json').read_text()) | change
    (tmp_path / 'rig.json').write_text(json.dumps(content))
    with pytest.raises(SpikeDataError, match=message):
        load_calibration(tmp_path / 'rig.json')


def test_absent_and_other_files_are_refused(tmp_path):
    (tmp_path / 'a.json').write_text('{')
    for name in ('a.json', 'absent.json'):
        with pytest.raises(SpikeDataError, match=f'{name}: no readable calibration'):
            load_calibration(tmp_path / name)


def test_a_pixel_of_the_sensor_covers_its_pixels_of_the_image():
    """Reducing by areas is what a quarter-size sensor does, so the aligned image is the image."""
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (80, 96, 3), np.uint8), (0, 0), 3)
    quarter = np.array([[0.25, 0, -0.375], [0, 0.25, -0.375], [0, 0, 1]])
    warped, seen = to_sensor_grid(image, quarter, (20, 24), 4)
    np.testing.assert_allclose(warped, image, atol=1)
    assert seen_window(seen, 4) == (0, 0, 20, 24)


def test_what_the_image_does_not_cover_is_cut():
    shifted = np.array([[0.25, 0, 2.625], [0, 0.25, -1.375], [0, 0, 1]])  # three pixels right, one up
    _, seen = to_sensor_grid(np.zeros((80, 96, 3), np.uint8), shifted, (20, 24), 4)
    assert seen_window(seen, 4) == (0, 3, 19, 21)
    with pytest.raises(SpikeDataError, match='share less than 16 x 16'):
        seen_window(np.zeros_like(seen), 4)
