"""Any metric of pyiqa by name, among BasicSR's metrics. pyiqa is imported on first use (non-commercial licence)."""

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import torch
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin._compat import pkg_resources_with_packaging
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.metrics.metric_input import Image8, ImageFloat, check_same_shape, refuse_unknown, rgb_float

_OF_WHOLE_FOLDERS = ('fid', 'fid_dinov2', 'sfid', 'inception_score')


@METRIC_REGISTRY.register()
def calculate_pyiqa(  # noqa: PLR0913 - BasicSR passes options and images as keywords alike
    img: Image8,
    img2: Image8 | None = None,
    *,
    metric_name: str = '',
    device: str = 'cpu',
    img_float: ImageFloat | None = None,
    img2_float: ImageFloat | None = None,
    better: str = 'higher',
    **unknown: Any,
) -> float:
    """Return one image's score by a metric of pyiqa, such as 'lpips' or 'liqe'.

    Args:
        img: (H, W, 3) BGR uint8.
        img2: the reference, as `img`; ignored by metrics that take none.
        metric_name: pyiqa's name; `pyiqa.list_models()` lists them.
        device: where it runs, such as 'cuda'.
        img_float: (H, W, 3) RGB in [0, 1], used in place of `img` where given.
        img2_float: the reference, as `img_float`.
        better: 'higher' or 'lower', for BasicSR's record of the best iteration; not used here.
        **unknown: refused.

    Raises:
        OptionError: an option or the metric is unknown, its weights cannot be had, or it needs a reference.
        SpikeDataError: the images are not of these forms.
    """
    where = f'calculate_pyiqa({metric_name!r})'
    refuse_unknown(where, unknown, ('metric_name', 'device'))
    metric = _create(metric_name, device)
    images = [rgb_float(where, img, img_float)]
    if metric.metric_mode == 'FR':
        if img2 is None:
            raise OptionError(f'{where}: compares with a reference image, and there is none; use a no-reference metric')
        images.append(rgb_float(where, img2, img2_float))
        check_same_shape(where, *images)
    return float(metric(*(_to_tensor(image, device) for image in images)))


@cache
def _create(name: str, device: str) -> Any:
    """Make a metric once per process; its weights may be large.

    Raises:
        OptionError: there is no such metric, or it cannot be made here.
    """
    pyiqa = import_module('pyiqa')
    known = pyiqa.list_models()
    if name not in known:
        close = ', '.join(get_close_matches(name, known, n=3)) or 'none; pyiqa.list_models() lists all'
        raise OptionError(f'calculate_pyiqa: unknown metric_name {name!r}. Close to it: {close}.')
    if name in _OF_WHOLE_FOLDERS:
        raise OptionError(f'calculate_pyiqa: {name!r} scores a folder of images, not one image')
    try:
        with pkg_resources_with_packaging():
            return pyiqa.create_metric(name, device=torch.device(device))
    except ImportError as error:
        raise OptionError(f'calculate_pyiqa: {name!r} needs a package that is not here: {error}') from error
    except OSError as error:
        raise OptionError(
            f'calculate_pyiqa: the weights of {name!r} are not in the cache and could not be downloaded ({error}). '
            'Run it once on a machine with network; pyiqa keeps them under $TORCH_HOME/hub.'
        ) from error


def _to_tensor(image: ImageFloat, device: str) -> torch.Tensor:
    """Return (1, 3, H, W) of (H, W, 3)."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].to(device)
