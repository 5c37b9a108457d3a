import itertools

import numpy as np
import pytest

from spikereveal_plugin.physics.likely_exposure import CELL, SHORTEST, likely_exposure


def moving(readouts=24, cells=6, seed=0):
    """Light (T, h, w) of a scene in which every cell changes on its own."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((readouts, cells, cells)).cumsum(0)
    return np.kron(coarse, np.ones((1, CELL, CELL)))


def cells_of(plane):
    height, width = (side // CELL for side in plane.shape)
    return plane.reshape(height, CELL, width, CELL).mean((1, 3)).ravel()


def test_all_runs_are_compared_as_one_by_one():
    light = moving()
    spikes = np.random.default_rng(1).random(light.shape) < light / light.max()
    photo = light[5:19].mean(0)
    found = likely_exposure(photo, spikes, (0, 24))
    runs = [(a, b) for a, b in itertools.combinations(range(25), 2) if b - a >= SHORTEST]
    scores = [np.corrcoef(cells_of(photo), cells_of(spikes[a:b].mean(0)))[0, 1] for a, b in runs]
    best = int(np.argmax(scores))
    assert (found.first, found.first + found.length) == runs[best]
    assert found.correlation == pytest.approx(scores[best], abs=1e-6)
    assert found.of_given == pytest.approx(scores[runs.index((0, 24))], abs=1e-6)


def test_the_exposure_of_noiseless_light_is_found():
    light = moving(seed=3)
    found = likely_exposure(light[7:18].mean(0), light, (0, 24))
    assert (found.first, found.length) == (7, 11)
    assert found.is_clear


def test_where_the_given_run_is_right_none_is_clearer():
    light = moving(seed=4)
    assert not likely_exposure(light.mean(0), light, (0, 24)).is_clear


@pytest.mark.parametrize(
    ('photo', 'spikes'),
    [
        (np.ones((24, 24)), moving()),
        (np.eye(4), moving(cells=1)),
        (moving()[0], moving(readouts=SHORTEST - 1)),
        (moving()[0], np.zeros((24, 24, 24), bool)),
    ],
    ids=['a flat photo', 'a tiny sensor', 'few readouts', 'no spike'],
)
def test_nothing_can_be_told(photo, spikes):
    assert likely_exposure(photo, spikes, (0, len(spikes))) is None
