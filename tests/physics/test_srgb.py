import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2xyz, xyz2rgb

from spikereveal_plugin.physics.srgb import linear_to_srgb, srgb_to_linear

GRAYS = np.repeat(np.arange(256)[:, None, None] / 255, 3, axis=2)


def test_the_curve_is_scikit_images():
    white = rgb2xyz(np.ones((1, 1, 3)))[0, 0, 1]  # its Y of white, 1 up to the rounding of its matrix
    expected = rgb2xyz(GRAYS)[:, 0, 1] / white
    np.testing.assert_allclose(srgb_to_linear(torch.from_numpy(GRAYS[:, 0, 0])).numpy(), expected, atol=1e-9)
    np.testing.assert_allclose(xyz2rgb(rgb2xyz(GRAYS))[:, 0, 0], GRAYS[:, 0, 0], atol=1e-3)


@given(st.floats(0, 1))
def test_each_undoes_the_other(value):
    there = linear_to_srgb(srgb_to_linear(torch.tensor(value, dtype=torch.float64)))
    assert abs(float(there) - value) < 1e-7
    assert 0 <= float(there) <= 1


def test_known_values():
    assert srgb_to_linear(torch.tensor([0.0, 1.0])).tolist() == [0.0, 1.0]
    assert abs(float(srgb_to_linear(torch.tensor(0.5))) - 0.2140411) < 1e-6
