"""PSNR and SSIM as the authors' evaluation computes them (docs: method, "Published figures").

Float images are clipped, mapped to [-1, 1], and given to scikit-image with a data range of 2.
"""

from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.metrics.metric_input import Image8, ImageFloat, check_same_shape, refuse_unknown, rgb_float

DATA_RANGE = 2.0
SSIM_WINDOW = 7


@METRIC_REGISTRY.register()
def calculate_psnr_paper(
    img: Image8,
    img2: Image8,
    img_float: ImageFloat | None = None,
    img2_float: ImageFloat | None = None,
    better: str = 'higher',
    **unknown: Any,
) -> float:
    """Return the PSNR in dB of the paper's protocol; infinite for equal images.

    Args:
        img: (H, W, 3) BGR uint8.
        img2: the reference, as `img`.
        img_float: (H, W, 3) RGB in [0, 1], used in place of `img` where given: the paper does not round to 8 bits.
        img2_float: the reference, as `img_float`.
        better: for BasicSR's record of the best iteration; not used here.
        **unknown: refused.

    Raises:
        OptionError: an option is unknown.
        SpikeDataError: the images are not of these forms.
    """
    refuse_unknown('calculate_psnr_paper', unknown, ())
    image, reference = _pair('calculate_psnr_paper', (img, img_float), (img2, img2_float))
    with np.errstate(divide='ignore'):
        psnr = import_module('skimage.metrics').peak_signal_noise_ratio(reference, image, data_range=DATA_RANGE)
    return float(psnr)


@METRIC_REGISTRY.register()
def calculate_ssim_paper(
    img: Image8,
    img2: Image8,
    img_float: ImageFloat | None = None,
    img2_float: ImageFloat | None = None,
    better: str = 'higher',
    **unknown: Any,
) -> float:
    """Return the SSIM of the paper's protocol: a uniform 7x7 window, all channels. At most 1.

    Because of the shift to [-1, 1] it differs from the SSIM of the same images in [0, 1] (by 0.01 to 0.03 on photos).

    Args:
        img: (H, W, 3) BGR uint8.
        img2: the reference, as `img`.
        img_float: (H, W, 3) RGB in [0, 1], used in place of `img` where given.
        img2_float: the reference, as `img_float`.
        better: for BasicSR's record of the best iteration; not used here.
        **unknown: refused.

    Raises:
        OptionError: an option is unknown.
        SpikeDataError: the images are not of these forms, or smaller than the window.
    """
    refuse_unknown('calculate_ssim_paper', unknown, ())
    image, reference = _pair('calculate_ssim_paper', (img, img_float), (img2, img2_float))
    if min(image.shape[:2]) < SSIM_WINDOW:
        raise SpikeDataError(f'calculate_ssim_paper: needs at least {SSIM_WINDOW} x {SSIM_WINDOW}, got {image.shape}')
    similarity = import_module('skimage.metrics').structural_similarity
    return float(similarity(reference, image, win_size=SSIM_WINDOW, data_range=DATA_RANGE, channel_axis=2))


def _pair(
    where: str, image: tuple[Image8, ImageFloat | None], reference: tuple[Image8, ImageFloat | None]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return both images in [-1, 1]."""
    first, second = rgb_float(where, *image), rgb_float(where, *reference)
    check_same_shape(where, first, second)
    return 2 * first - 1, 2 * second - 1
