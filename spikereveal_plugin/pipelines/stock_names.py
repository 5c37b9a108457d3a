"""What a stock model's option file names, looked up before anything is built; own models look up theirs."""

from collections.abc import Mapping
from typing import Any, Final

from basicsr.utils.registry import ARCH_REGISTRY, DATASET_REGISTRY, LOSS_REGISTRY, METRIC_REGISTRY

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.torch_training import optimizer_class, scheduler_class
from spikereveal_plugin.models.val_options import check_metric
from spikereveal_plugin.options import lookup

OF_OWN_MODELS: Final = {'amp': None, 'compile': False, 'grad_clip': None, 'accumulate': 1}


def check_registered(opt: Mapping[str, Any]) -> None:
    """Check the `type` of networks, data sets, losses, metrics, optimisers and the schedule.

    Raises:
        OptionError: one is not registered; the nearest name is said.
    """
    for key, section in opt.items():
        if key.startswith('network_') and section is not None:
            lookup(ARCH_REGISTRY, section, key)
    for phase, section in (opt.get('datasets') or {}).items():
        lookup(DATASET_REGISTRY, section, f'datasets.{phase}')
    train, val = opt.get('train') or {}, opt.get('val') or {}
    for key, section in train.items():
        if key.endswith('_opt') and isinstance(section, Mapping) and 'type' in section:
            lookup(LOSS_REGISTRY, section, f'train.{key}')
        elif key.startswith('optim_') and isinstance(section, Mapping):
            optimizer_class(section.get('type'), f'train.{key}.type')
    if isinstance(schedule := train.get('scheduler'), Mapping):
        scheduler_class(schedule.get('type'), 'train.scheduler.type')
    for name, section in (val.get('metrics') or {}).items():
        where = f'val.metrics.{name}'
        check_metric(lookup(METRIC_REGISTRY, section, where), section, where)


def check_stock_train(opt: Mapping[str, Any]) -> None:
    """Refuse options of `train` that models of this package have, and BasicSR's own would not look at.

    Raises:
        OptionError: naming the first.
    """
    for key, default in OF_OWN_MODELS.items():
        if (opt.get('train') or {}).get(key, default) not in (None, default):
            raise OptionError(
                f'train.{key}: {opt["model_type"]} of BasicSR does not know it; SpikeRestorationModel trains any '
                'network of photo and spikes with it'
            )
