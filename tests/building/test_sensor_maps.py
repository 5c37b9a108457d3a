import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.building.sensor_maps import load_pattern, save_pattern
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.physics.fixed_pattern import FixedPattern


def maps(height=4, width=6, seed=0):
    generator = np.random.default_rng(seed)
    return generator.uniform(0.5, 2, (height, width)), generator.uniform(-0.1, 0.1, (height, width))


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 99))
def test_what_is_written_is_read_back(tmp_path_factory, height, width, seed):
    response, dark = (torch.from_numpy(array) for array in maps(height, width, seed))
    path = tmp_path_factory.mktemp('maps') / 'maps.npz'
    save_pattern(path, FixedPattern(response, dark))
    again = load_pattern(path)
    assert torch.equal(again.response, response)
    assert torch.equal(again.dark, dark)


def test_spikenerf_file(tmp_path):
    response, _ = maps()
    np.savez(tmp_path / 'data.npz', Nl=response, Nd=np.full((4, 6), 5.0), D_light=np.full((4, 6), 10.0))
    pattern = load_pattern(tmp_path / 'data.npz')
    torch.testing.assert_close(pattern.response, torch.from_numpy(response))
    torch.testing.assert_close(pattern.dark, torch.full((4, 6), 4 * 5 / (10 * 340), dtype=torch.float64))


@pytest.mark.parametrize(
    ('arrays', 'message'),
    [
        ({'Nl': np.ones((2, 2))}, 'expected the arrays Nl, Nd, D_light or response, dark, found Nl'),
        ({'response': np.ones(3), 'dark': np.ones(3)}, r'response must be floating \(h, w\)'),
        ({'response': np.zeros((2, 2)), 'dark': np.ones((2, 2))}, 'response must be positive'),
        ({'response': np.array([['a']]), 'dark': np.ones((1, 1))}, 'maps.npz: could not convert string'),
    ],
)
def test_other_files_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / 'maps.npz', **arrays)
    with pytest.raises(SpikeDataError, match=message):
        load_pattern(tmp_path / 'maps.npz')
