"""Optimisers and learning-rate schedules by name: BasicSR's, and those of torch, which forks of BasicSR use."""

from collections.abc import Callable
from typing import Any, Final

import torch
from basicsr.models import lr_scheduler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from spikereveal_plugin.options import check_choice

UNFIT: Final = (
    *('Optimizer', 'LBFGS', 'SparseAdam', 'LRScheduler', 'ReduceLROnPlateau', 'LambdaLR', 'MultiplicativeLR'),
    *('SequentialLR', 'ChainedScheduler'),
)
"""Those that need more than a step after each batch: a closure, a score, sparse gradients, functions."""
OF_BASICSR: Final[dict[str, Callable[..., object]]] = {
    'CosineAnnealingRestartLR': lr_scheduler.CosineAnnealingRestartLR,
    'MultiStepLR': lr_scheduler.MultiStepRestartLR,
    'MultiStepRestartLR': lr_scheduler.MultiStepRestartLR,
}


def optimizer_class(name: object, where: str) -> Callable[..., Any]:
    """Return an optimiser of torch.

    Raises:
        OptionError: there is none of that name that a training here can use.
    """
    known = _classes(torch.optim, Optimizer)
    check_choice(name, known, where)
    return known[str(name)]


def scheduler_class(name: object, where: str) -> Callable[..., Any]:
    """Return a schedule of BasicSR or of torch.

    Raises:
        OptionError: there is none of that name that a training here can use.
    """
    known = _classes(torch.optim.lr_scheduler, LRScheduler) | OF_BASICSR
    check_choice(name, known, where)
    return known[str(name)]


def _classes(module: Any, base: type) -> dict[str, Callable[..., Any]]:
    found = {name: kind for name, kind in vars(module).items() if isinstance(kind, type) and issubclass(kind, base)}
    return {name: kind for name, kind in found.items() if name not in UNFIT and name[0] != '_'}
