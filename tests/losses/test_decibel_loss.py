"""DecibelLoss against scikit-image's PSNR, and what its floor does."""

import pytest
import torch
from basicsr.losses import build_loss
from skimage.metrics import peak_signal_noise_ratio

from spikereveal_plugin.losses import DecibelLoss


def images(seed: int) -> torch.Tensor:
    return torch.rand(3, 3, 8, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_it_is_the_mean_psnr_of_the_images_turned_round():
    first, second = images(0), images(1)
    scores = [peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1) for a, b in zip(first, second, strict=True)]
    loss = build_loss({'type': 'DecibelLoss', 'floor': 1e-12, 'loss_weight': 0.5})
    assert float(loss(first, second)) == pytest.approx(-0.5 * sum(scores) / 3)


def test_equal_images_are_at_the_floor_and_pull_no_more():
    image = images(0).requires_grad_()
    loss = DecibelLoss(floor=1e-5)(image, image.detach())
    loss.backward()
    assert float(loss.detach()) == pytest.approx(-50)
    assert image.grad is not None
    assert not image.grad.any()


def test_what_it_cannot_take_is_refused():
    with pytest.raises(ValueError, match='expected a floor above 0, got 0'):
        DecibelLoss(floor=0.0)
    with pytest.raises(ValueError, match='expected images of one shape'):
        DecibelLoss()(images(0), images(0)[:, :1])
