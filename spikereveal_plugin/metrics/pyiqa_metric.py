"""Any metric of pyiqa by name, among BasicSR's metrics. pyiqa is imported on first use (non-commercial licence)."""

from typing import Any

import numpy as np
import torch
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.metrics.metric_input import Image8, ImageFloat, check_same_shape, refuse_unknown, rgb_float
from spikereveal_plugin.metrics.scorer import scorer


@METRIC_REGISTRY.register()
def calculate_pyiqa(  # noqa: PLR0913 - BasicSR passes options and images as keywords alike
    img: Image8,
    img2: Image8 | None = None,
    *,
    metric_name: str = '',
    resize_short: int | None = None,
    weights_dir: str | None = None,
    download: bool = False,
    device: str | None = None,
    img_float: ImageFloat | None = None,
    img2_float: ImageFloat | None = None,
    better: str | None = None,
    **unknown: Any,
) -> float:
    """Return one image's score by a metric of pyiqa, such as 'lpips' or 'liqe'.

    Args:
        img: (H, W, 3) BGR uint8.
        img2: the reference, as `img`; ignored by metrics that take none.
        metric_name: pyiqa's name; `pyiqa.list_models()` lists them.
        resize_short: the length to which the shorter side is resized (bilinear) before scoring; None for as it is.
        weights_dir: the folder that holds the metric's weights; else $IQA_WEIGHTS, else pyiqa's cache.
        download: download weights that are missing.
        device: where it runs; None for the GPU where there is one.
        img_float: (H, W, 3) RGB in [0, 1], used in place of `img` where given.
        img2_float: the reference, as `img_float`.
        better: 'higher' or 'lower', for BasicSR's record of the best iteration; pyiqa knows it.
        **unknown: refused.

    Raises:
        OptionError: an option or the metric is unknown, its weights cannot be had, or it needs a reference.
        SpikeDataError: the images are not of these forms.
    """
    where = f'calculate_pyiqa({metric_name!r})'
    refuse_unknown(where, unknown, ('metric_name', 'resize_short', 'weights_dir', 'download', 'device'))
    if resize_short is not None and (not isinstance(resize_short, int) or resize_short < 1):
        raise OptionError(f'{where}: resize_short: expected a whole number of pixels or ~, found {resize_short!r}')
    score = scorer(metric_name, device, weights_dir, download)
    images = [rgb_float(where, img, img_float)]
    if score.metric.needs_reference:
        if img2 is None:
            raise OptionError(f'{where}: compares with a reference image, and there is none; use a no-reference metric')
        images.append(rgb_float(where, img2, img2_float))
        check_same_shape(where, *images)
    return float(score(*map(_to_tensor, images), resize_short=resize_short))


def _to_tensor(image: ImageFloat) -> torch.Tensor:
    """Return (1, 3, H, W) of (H, W, 3)."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
