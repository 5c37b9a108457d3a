"""The re-blurring loss: restored frames average to the blurry image (SpikeReveal Eq. 13)."""

from basicsr.utils.registry import LOSS_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.physics.reblur import reblur


@LOSS_REGISTRY.register()
class ReblurLoss(nn.Module):
    """Penalise the squared difference between the mean of the frames and the blurry image.

    Args:
        loss_weight: the paper's lambda; published 100 on GOPRO, 200 on RSB.
    """

    def __init__(self, *, loss_weight: float = 100.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, frames: Tensor, blur: Tensor) -> Tensor:
        """Return a scalar.

        Args:
            frames: (B, N, C, H, W), instants spread over the exposure.
            blur: (B, C, H, W).

        Raises:
            ValueError: the shapes do not belong together.
        """
        if frames.dim() != 5 or frames.shape[:1] + frames.shape[2:] != blur.shape:
            raise ValueError(
                f'ReblurLoss: expected frames (B, N, C, H, W) of a blurry image (B, C, H, W), '
                f'got {tuple(frames.shape)} and {tuple(blur.shape)}'
            )
        return self.loss_weight * F.mse_loss(reblur(frames), blur)
