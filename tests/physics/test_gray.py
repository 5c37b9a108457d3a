import pytest
import torch

from spikereveal_plugin.physics.gray import gray


def test_weights_of_the_channels():
    image = torch.eye(3).view(3, 3, 1, 1)
    assert gray(image).flatten().tolist() == pytest.approx([0.30, 0.59, 0.11])


@pytest.mark.parametrize('shape', [(3, 4, 5), (2, 3, 4, 5), (2, 7, 3, 4, 5)])
def test_leading_axes_stay(shape):
    assert gray(torch.ones(shape)).shape == (*shape[:-3], 1, 4, 5)


def test_white_stays_white():
    torch.testing.assert_close(gray(torch.ones(1, 3, 2, 2)), torch.ones(1, 1, 2, 2))


def test_reference_of_a_readout_in_the_exposure(golden):
    reference = golden('resize_gray_blur.npz')
    image = torch.from_numpy(reference['img_bgr'][:, :, ::-1].copy()).permute(2, 0, 1)[None] / 255
    small = torch.nn.functional.interpolate(gray(image), scale_factor=0.25, mode='bilinear')
    torch.testing.assert_close(small[0, 0], torch.from_numpy(reference['gray_in_exposure']), atol=1e-6, rtol=0)


def test_images_without_three_channels_are_refused():
    with pytest.raises(ValueError, match=r'expected \(\.\.\., 3, H, W\) RGB, got shape \(2, 1, 4, 5\)'):
        gray(torch.ones(2, 1, 4, 5))


def test_8_bit_images_are_refused():
    with pytest.raises(ValueError, match=r'got torch\.uint8; divide 8-bit images by 255'):
        gray(torch.ones(3, 4, 5, dtype=torch.uint8))
