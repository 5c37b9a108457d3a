"""A picture in colour from spikes alone and the photo's colours: what TFP and TFI look like beside a restored frame."""

import torch
from torch import Tensor

from spikereveal_plugin.physics.gray import gray


def colourise(rate: Tensor, blur: Tensor, threshold: float) -> Tensor:
    """Give a firing rate the photo's brightness and chroma: `threshold * rate * B / gray(B)`.

    By Eq. 6 `threshold * rate` is the gray of the instant; a channel of `B / gray(B)` is how many times brighter it is
    than the gray, in the blurry photo. Where the photo is black there is no colour, and the picture is gray.

    Args:
        rate: (B, 1, H, W), firing rate around an instant, as large as the photo.
        blur: (B, 3, H, W), RGB in [0, 1].
        threshold: of the spike camera, in units of full light (`observed_threshold`).

    Returns:
        (B, 3, H, W), not clipped.

    Raises:
        ValueError: the rate does not have one channel and the photo's height and width.
    """
    if rate.shape != (blur.shape[0], 1, *blur.shape[2:]):
        raise ValueError(f'colourise: a rate {tuple(rate.shape)} is not as large as the photo {tuple(blur.shape)}')
    light = gray(blur)
    black = light == 0
    chroma = torch.where(black, 1.0, blur / torch.where(black, 1.0, light))
    return threshold * rate * chroma
