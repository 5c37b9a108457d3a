"""A look at what a validation will need, before the first iteration: it would cost the run to find out later."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, Final

from basicsr.utils import tensor2img
from basicsr.utils.registry import METRIC_REGISTRY
from torch import Tensor

from spikereveal_plugin.errors import OptionError, SpikeRevealError
from spikereveal_plugin.metrics.reblur_metric import REBLUR
from spikereveal_plugin.models.report import needs_sharp
from spikereveal_plugin.pipelines.random_state import random_state, set_random_state

SIDE: Final = 512  # of the part of an image that metrics are tried on


def look_at_validation(opt: Mapping[str, Any], loaders: Iterable[Any]) -> None:
    """Read the first sample of each validation set, and try each metric on its image; random numbers are not used up.

    Raises:
        OptionError: a set is empty, or a metric takes no such argument or wants a sharp image that is not there.
        SpikeRevealError: the sample cannot be read, or a metric cannot be computed, such as for want of a file.
    """
    if not opt.get('val'):
        return
    metrics = opt['val'].get('metrics') or {}
    before = random_state()
    try:
        for loader in loaders:
            _look(loader.dataset, metrics)
    finally:
        set_random_state(before)


def _look(dataset: Any, metrics: Mapping[str, Any]) -> None:
    where = f'datasets, the validation set {dataset.opt["name"]!r}'
    if len(dataset) == 0:
        raise OptionError(f'{where}: holds no sample; are its folder and meta_info_file the right ones?')
    sample = dataset[0]
    sharp, blur = _part(sample.get('gt')), _part(sample.get('lq'))
    image = blur if sharp is None else sharp
    for name, section in metrics.items():
        metric = METRIC_REGISTRY.get(section['type'])
        if needs_sharp(metric) and sharp is None and section['type'] != REBLUR:  # which compares with the photo
            raise OptionError(
                f'val.metrics.{name} compares with a sharp image, and {where} has none; set dataroot_gt or take the '
                'metric out'
            )
        if image is not None:
            _try(f'val.metrics.{name}', metric, section, image)


def _try(where: str, metric: Any, section: Mapping[str, Any], image: Any) -> None:
    arguments = {key: value for key, value in deepcopy(dict(section)).items() if key not in ('type', 'better')}
    pair = {'img': image, 'img2': image} if needs_sharp(metric) else {'img': image}
    try:
        metric(**pair, **arguments)
    except SpikeRevealError:
        raise
    except Exception as error:
        raise OptionError(f'{where}: {section["type"]} cannot be computed: {type(error).__name__}: {error}') from error


def _part(image: Any) -> Any:
    """The middle of an image, or of the last of several, (H, W, 3) BGR uint8, as BasicSR's metrics take it."""
    if not isinstance(image, Tensor) or image.dim() < 3:
        return None
    image = image.reshape(-1, *image.shape[-3:])[-1]
    top, left = ((size - min(size, SIDE)) // 2 for size in image.shape[-2:])
    return tensor2img([image[:, top : top + SIDE, left : left + SIDE]])
