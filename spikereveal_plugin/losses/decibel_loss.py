"""The squared error in decibels: what PSNR measures, so that a still dark scene counts as much as a bright one."""

import torch
from basicsr.utils.registry import LOSS_REGISTRY
from torch import Tensor, nn


@LOSS_REGISTRY.register()
class DecibelLoss(nn.Module):
    """Penalise `10 log10(mse + floor)` of each image; the PSNR that a network is judged by, turned round.

    Args:
        loss_weight: factor of the loss.
        floor: squared error, of images in [0, 1], below which an image hardly counts; 1e-5 is 50 dB.

    Raises:
        ValueError: `floor` is not positive.
    """

    def __init__(self, *, loss_weight: float = 1.0, floor: float = 1e-5) -> None:
        super().__init__()
        if not floor > 0:
            raise ValueError(f'DecibelLoss: expected a floor above 0, got {floor}')
        self.loss_weight, self.floor = loss_weight, floor

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return a scalar, of two batches of images (B, C, H, W) in [0, 1].

        Raises:
            ValueError: they differ in shape.
        """
        if pred.shape != target.shape:
            raise ValueError(f'DecibelLoss: expected images of one shape, got {pred.shape} and {target.shape}')
        error = (pred - target).square().mean((1, 2, 3))
        return self.loss_weight * 10 * torch.log10(error + self.floor).mean()
