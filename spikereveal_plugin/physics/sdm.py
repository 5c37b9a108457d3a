"""The spike-guided deblurring model (Eq. 7-8)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def spike_guided_deblur(blur: Tensor, long_rate: Tensor, short_rate: Tensor) -> Tensor:
    """Scale a blurry image by how bright an instant was against the whole exposure (Eq. 8).

    Args:
        blur: (B, C, H, W), in [0, 1].
        long_rate: (B, 1, H, W), firing rate over the exposure.
        short_rate: (B, 1, H, W), firing rate around the wanted instant.

    Returns:
        (B, C, H, W), not clipped; zero, with zero gradients, where no spike fell during the exposure.

    Raises:
        ValueError: the rates do not have one channel and the image's height and width.
    """
    expected = (blur.shape[0], 1, *blur.shape[2:])
    for name, rate in (('long_rate', long_rate), ('short_rate', short_rate)):
        if rate.shape != expected:
            raise ValueError(
                f'{name}: expected shape {expected} beside blur {tuple(blur.shape)}, got {tuple(rate.shape)}; '
                'upsample_rate brings a rate to the size of an image'
            )
    return blur * brightness_gain(long_rate, short_rate)


def brightness_gain(long_rate: Tensor, short_rate: Tensor) -> Tensor:
    """How bright an instant was against the whole exposure: the factor of Eq. 8, `short_rate / long_rate`.

    Args:
        long_rate: (B, 1, H, W), firing rate over the exposure.
        short_rate: as `long_rate`, firing rate around the wanted instant.

    Returns:
        (B, 1, H, W), 0 or more, without an upper bound; zero, with zero gradients, where `long_rate` is.
    """
    silent = long_rate == 0
    gain = short_rate / torch.where(silent, torch.ones_like(long_rate), long_rate)
    return gain.masked_fill(silent, 0)


def upsample_rate(rate: Tensor, height: int, width: int) -> Tensor:
    """Bring a rate to the size of an image, bilinearly with pixel centres aligned (ablations I-1 and I-2).

    Args:
        rate: (B, 1, h, w), floating.
        height: H.
        width: W.

    Returns:
        (B, 1, H, W).
    """
    return F.interpolate(rate, size=(height, width), mode='bilinear', align_corners=False)
