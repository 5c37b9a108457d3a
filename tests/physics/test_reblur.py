import numpy as np
import pytest
import torch

from spikereveal_plugin.physics.reblur import reblur


def test_reference_blur_is_the_rounded_mean(golden):
    reference = golden('resize_gray_blur.npz')
    frames = torch.from_numpy(reference['raw97']).permute(0, 3, 1, 2)[None].double()
    blur = reblur(frames)[0].permute(1, 2, 0).round().numpy()
    np.testing.assert_array_equal(blur, reference['blur_png'])


def test_the_frames_of_each_sample_are_averaged():
    frames = torch.arange(2 * 3).view(2, 3, 1, 1, 1).expand(2, 3, 3, 4, 5).float()
    blur = reblur(frames)
    assert blur.shape == (2, 3, 4, 5)
    assert blur[:, 0, 0, 0].tolist() == [1, 4]


@pytest.mark.parametrize('shape', [(3, 3, 4, 5), (2, 0, 3, 4, 5)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r'expected \(B, N, C, H, W\) with N of 1 or more'):
        reblur(torch.ones(shape))
