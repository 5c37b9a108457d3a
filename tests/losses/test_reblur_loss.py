"""The re-blurring loss against its definition."""

import pytest
import torch
from basicsr.utils.registry import LOSS_REGISTRY

from spikereveal_plugin.losses import ReblurLoss


def test_hand_made_value():
    frames = torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1, 1)
    assert ReblurLoss(loss_weight=100)(frames, torch.full((1, 1, 1, 1), 0.3)).item() == pytest.approx(100 * 0.2**2)


def test_frames_that_average_to_the_blurry_image_cost_nothing():
    frames = torch.rand(2, 5, 3, 4, 6)
    assert ReblurLoss()(frames, frames.mean(dim=1)).item() == 0


def test_all_frames_share_the_gradient():
    frames = torch.rand(1, 4, 3, 2, 2, requires_grad=True)
    LOSS_REGISTRY.get('ReblurLoss')(loss_weight=1.0)(frames, torch.rand(1, 3, 2, 2)).backward()
    torch.testing.assert_close(frames.grad, frames.grad[:, :1].expand(-1, 4, -1, -1, -1))


@pytest.mark.parametrize('shape', [(2, 3, 4, 4), (3, 5, 3, 4, 4), (2, 5, 3, 4, 5), (2, 5, 1, 4, 4)])
def test_unfit_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r'expected frames \(B, N, C, H, W\)'):
        ReblurLoss()(torch.zeros(shape), torch.zeros(2, 3, 4, 4))
