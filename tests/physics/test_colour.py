import pytest
import torch

from spikereveal_plugin.physics.colour import colourise
from spikereveal_plugin.physics.gray import gray

BLUR = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0)) + 0.01


def test_a_still_scene_is_the_photo():
    """Eq. 5: where the rate is gray / theta, brightness and colours are the photo's."""
    torch.testing.assert_close(colourise(gray(BLUR) / 4, BLUR, 4.0), BLUR)


def test_its_gray_is_that_of_the_spikes():
    rate = torch.rand(1, 1, 6, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(gray(colourise(rate, BLUR, 2.0)), 2 * rate)


def test_a_black_photo_has_no_colour():
    found = colourise(torch.full((1, 1, 2, 2), 0.5), torch.zeros(1, 3, 2, 2), 1.0)
    torch.testing.assert_close(found, torch.full((1, 3, 2, 2), 0.5))


def test_sizes_must_agree():
    with pytest.raises(ValueError, match='not as large as the photo'):
        colourise(torch.zeros(1, 1, 3, 4), BLUR, 1.0)
