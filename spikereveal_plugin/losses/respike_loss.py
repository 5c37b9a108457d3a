"""The re-spike loss: what a restored frame would have made the spike camera see (SpikeReveal Eq. 6)."""

from basicsr.utils.registry import LOSS_REGISTRY
from torch import Tensor, nn
from torch.nn import functional as F

from spikereveal_plugin.physics.gray import gray


@LOSS_REGISTRY.register()
class RespikeLoss(nn.Module):
    """Penalise the squared difference between a frame's gray, at the sensor's size, and the spikes at its instant.

    Squared, because the firing rate of a short window is right on average only, and the least squared difference is
    reached at the average. Nine readouts count to one of ten levels; the least absolute difference would be reached at
    the level that is met most, and pull a dark pixel, which mostly does not fire within nine readouts, to black.

    The student has seen the very spikes that this loss compares with, so at a large weight it would learn to copy their
    noise: it belongs beside a distillation loss, not in its place.

    Args:
        loss_weight: factor of the mean squared difference.
    """

    def __init__(self, *, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, frame: Tensor, light: Tensor) -> Tensor:
        """Return a scalar.

        Args:
            frame: (B, 3, H, W), RGB in [0, 1].
            light: (B, 1, h, w), the short firing rate as gray (`physics.density.rate_as_gray`); h and w divide H and W.

        Raises:
            ValueError: the shapes do not belong together.
        """
        height, width = light.shape[-2:]
        fits = frame.dim() == 4 and frame.shape[2] % height == 0 and frame.shape[3] % width == 0
        if not fits or light.shape != (frame.shape[0], 1, height, width):
            raise ValueError(
                f'RespikeLoss: expected frames (B, 3, H, W) and light (B, 1, h, w) at the size of the sensor, '
                f'got {tuple(frame.shape)} and {tuple(light.shape)}'
            )
        seen = F.interpolate(gray(frame), size=(height, width), mode='area')
        return self.loss_weight * F.mse_loss(seen, light)
