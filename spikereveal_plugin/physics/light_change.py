"""Light change: how the light of an instant differs from the photo's, as the spikes tell it, added to the photo.

SDM (Eq. 8) multiplies the photo by short rate over long rate. The same physics as a sum, `frame = photo + change`,
leaves the photo alone where nothing changed, and does not scale the mixture of colours that a blurred edge has.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from spikereveal_plugin.physics.gray import GRAY_WEIGHTS, gray
from spikereveal_plugin.physics.taper import gaussian_taper

COLOUR_REACH = 8.0  # sensor pixels: the neighbourhood whose colours lie on a line
COLOUR_PRIOR = 2e-4  # variance of light below which a change is taken for gray
_MOST, _LEAST = 3.0, -0.5  # slope of a colour over gray


def light_change(short_rate: Tensor, long_rate: Tensor, threshold: Tensor) -> Tensor:
    """Return how the light of an instant differs from the exposure's mean, `theta (short - long)` (Eq. 5).

    Args:
        short_rate: (B, N, h, w), firing rates around N instants.
        long_rate: (B, 1, h, w), firing rate over the exposure.
        threshold: (B, 1, 1, 1), of the spike camera, in units of full light a readout.

    Returns:
        (B, N, h, w), in [-1, 1] where spikes are right.
    """
    return threshold * (short_rate - long_rate)


def taper_noise(weights: Tensor, long_rate: Tensor, noise_spikes: float) -> Tensor:
    """Return the standard deviation of a tapered rate of steady light, in spikes a readout.

    A camera that integrates and fires (Eq. 1) carries what it rounds off to the next readout: the error of a count is
    the difference of two roundings, each uniform over a spike, so that their weights are the taper's steps. Beside it a
    pixel that does not fire may do so by itself, in any readout.

    Args:
        weights: (n,), of the window's readouts, sum 1.
        long_rate: (B, 1, h, w), firing rate over the exposure.
        noise_spikes: probability that a pixel fires by itself in a readout.

    Returns:
        (B, 1, h, w).
    """
    rounding = torch.diff(F.pad(weights, (1, 1))).square().sum() / 12
    by_itself = noise_spikes * (1 - long_rate).clamp(min=0) * weights.square().sum()
    return (rounding + by_itself).sqrt()


def shrink(change: Tensor, noise: Tensor) -> Tensor:
    """Take back changes that are no larger than noise: `d a^2 / (a^2 + noise^2)`, `a` the activity around a pixel.

    Args:
        change: (B, N, h, w).
        noise: (B, 1, h, w), the amplitude of changes that mean nothing.

    Returns:
        (B, N, h, w), of the same sign, nowhere larger.
    """
    activity = smooth(smooth(change, 1.0).abs(), 2.0).square()
    return change * (activity / (activity + noise.square()).clamp(min=1e-12))


def colour_lines(blur: Tensor, height: int, width: int) -> Tensor:
    """Return what a unit change of light is in each channel; its gray is 1.

    Near a blurred edge the photo's colours lie on a line between those of the two sides; what moves changes along it:
    `cov(colour, gray) / var(gray)` in a neighbourhood, drawn to gray where light does not vary.

    Args:
        blur: (B, 3, H, W), RGB in [0, 1].
        height: of the sensor.
        width: of the sensor.

    Returns:
        (B, 3, height, width).
    """
    small = F.interpolate(blur, size=(height, width), mode='area')
    light = gray(small)
    mean = smooth(light, COLOUR_REACH)
    variance = smooth(light.square(), COLOUR_REACH) - mean.square()
    covariance = smooth(small * light, COLOUR_REACH) - smooth(small, COLOUR_REACH) * mean
    slopes = ((covariance + COLOUR_PRIOR) / (variance + COLOUR_PRIOR)).clamp(_LEAST, _MOST)
    weights = torch.tensor(GRAY_WEIGHTS, dtype=blur.dtype, device=blur.device)[:, None, None]
    return slopes / (slopes * weights).sum(1, keepdim=True).clamp(min=0.2)


def add_change(blur: Tensor, change: Tensor, colours: Tensor) -> Tensor:
    """Add changes of light to a photo, raised to its size bicubically.

    Args:
        blur: (B, 3, H, W), RGB in [0, 1].
        change: (B, N, h, w).
        colours: (B, 3, h, w), of `colour_lines`.

    Returns:
        (B, N, 3, H, W), not clipped.
    """
    coloured = change[:, :, None] * colours[:, None]
    raised = F.interpolate(coloured.flatten(0, 1), size=blur.shape[-2:], mode='bicubic', align_corners=False)
    return blur[:, None] + raised.unflatten(0, change.shape[:2])


def smooth(image: Tensor, sigma: float) -> Tensor:
    """Blur (B, C, h, w) by a Gaussian of `sigma` pixels, mirrored at the borders."""
    radius = min(int(3 * sigma + 0.5), min(image.shape[-2:]) - 1)
    if radius < 1:
        return image
    kernel = gaussian_taper(2 * radius + 1, sigma).to(image)[None, None, None]
    planes = F.pad(image, (radius,) * 4, mode='reflect').flatten(0, 1)[:, None]  # rows, then columns: few products
    return F.conv2d(F.conv2d(planes, kernel), kernel.mT)[:, 0].unflatten(0, image.shape[:2])
