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
RARE, RAREST = 0.1, 0.02  # spikes a readout
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
        weights: (B, n), of the window's readouts, sum 1.
        long_rate: (B, 1, h, w), firing rate over the exposure.
        noise_spikes: probability that a pixel fires by itself in a readout.

    Returns:
        (B, 1, h, w).
    """
    ends = F.pad(weights, (1, 1))
    rounding = (ends[:, 1:] - ends[:, :-1]).square().sum(1)[:, None, None, None] / 12
    by_itself = noise_spikes * (1 - long_rate).clamp(min=0) * weights.square().sum(1)[:, None, None, None]
    return (rounding + by_itself).sqrt()


def rare_noise(long_rate: Tensor) -> Tensor:
    """Return how much further noise reaches where pixels fire rarely: `(RARE / rate)^1.5` below `RARE`, else 1.

    Neighbours of equal light that fire every tenth readout or less stay in step for long: their roundings are one,
    which no neighbourhood averages. Constants by trial on simulated still scenes in the dark.

    Args:
        long_rate: (B, 1, h, w), firing rate over the exposure.

    Returns:
        (B, 1, h, w), 1 or more, at most 11.
    """
    return (RARE / smooth(long_rate, 1.0).clamp(min=RAREST)).clamp(min=1) ** 1.5


def shrink(change: Tensor, noise: Tensor) -> Tensor:
    """Take back changes that are no larger than noise: `d a^4 / (a^4 + noise^4)`, `a` the activity around a pixel.

    Args:
        change: (B, N, h, w).
        noise: (B, 1, h, w), the amplitude of changes that mean nothing.

    Returns:
        (B, N, h, w), of the same sign, nowhere larger.
    """
    ratio = noise / smooth(smooth(change, 1.0).abs(), 2.0).clamp(min=1e-12)
    return change / (1 + ratio.square().square())


def colour_lines(small: Tensor) -> Tensor:
    """Return what a unit change of light is in each channel; its gray is 1.

    Near a blurred edge the photo's colours lie on a line between those of the two sides; what moves changes along it:
    `cov(colour, gray) / var(gray)` in a neighbourhood, drawn to gray where light does not vary.

    Args:
        small: (B, 3, h, w), the photo at the sensor's size, RGB in [0, 1].

    Returns:
        (B, 3, h, w).
    """
    light = gray(small)
    mean = smooth(light, COLOUR_REACH)
    variance = smooth(light.square(), COLOUR_REACH) - mean.square()
    covariance = smooth(small * light, COLOUR_REACH) - smooth(small, COLOUR_REACH) * mean
    slopes = ((covariance + COLOUR_PRIOR) / (variance + COLOUR_PRIOR)).clamp(_LEAST, _MOST)
    weights = torch.tensor(GRAY_WEIGHTS, dtype=small.dtype, device=small.device)[:, None, None]
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
