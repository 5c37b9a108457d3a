import numpy as np
import pytest
from skimage.metrics import mean_squared_error

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.metrics import calculate_reblur, protocol
from spikereveal_plugin.metrics.protocol import with_directions


def test_it_is_the_root_of_eq_13_in_levels():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 9, 3), np.uint8)
    expected = mean_squared_error(images[0], images[1]) ** 0.5
    assert calculate_reblur(images[0], images[1]) == pytest.approx(expected, rel=1e-6)
    floats = [image[:, :, ::-1] / np.float32(255) for image in images]
    given = calculate_reblur(images[0], images[0], img_float=floats[0], img2_float=floats[1], num_instants=7)
    assert given == pytest.approx(expected, rel=1e-5)
    assert calculate_reblur(images[0], images[0], better='lower') == 0


def test_mistakes_are_said():
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(OptionError, match="unknown option 'num_instant'. Did you mean 'num_instants'"):
        calculate_reblur(image, image, num_instant=3)
    with pytest.raises(SpikeDataError, match='differ in size'):
        calculate_reblur(image, image[:4])


def test_lower_is_better_and_the_protocol_says_how_many():
    assert with_directions({'r': {'type': 'calculate_reblur'}})['r']['better'] == 'lower'
    assert protocol({'type': 'calculate_reblur'}).label == 'all readouts'
    assert protocol({'type': 'calculate_reblur', 'num_instants': 9}).label == '9 readouts'
