"""How large a network is: its parameters, and its multiply-accumulates by mmengine."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module

import torch
from torch import nn


@dataclass(frozen=True)
class Complexity:
    """Parameters, 1e9 multiply-accumulates of one frame, and what was not counted."""

    parameters: float | None = None
    gmacs: float | None = None
    remark: str = ''


def complexity_of(*parts: tuple[nn.Module, tuple[torch.Tensor, ...]]) -> Complexity:
    """Add up networks with the inputs of one call each; a network that is called twice has its parameters once."""
    networks = {id(network): network for network, _ in parts}
    parameters = sum(map(count_parameters, networks.values()))
    try:
        return Complexity(parameters, sum(count_gmacs(network, *inputs) for network, inputs in parts))
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        return Complexity(parameters, None, f'GMACs unknown: mmengine cannot trace it ({type(error).__name__})')


def parameters_of(networks: Iterable[nn.Module]) -> Complexity:
    """Return the parameters of networks whose calls are not those of one frame, and so have no GMACs of one."""
    own = list(networks)
    if not own:
        return Complexity()
    return Complexity(sum(map(count_parameters, own)), None, 'GMACs not counted: one call gives several frames')


def count_parameters(network: nn.Module) -> float:
    """Return how many numbers a network has."""
    return float(sum(parameter.numel() for parameter in network.parameters()))


def count_gmacs(network: nn.Module, *inputs: torch.Tensor) -> float:
    """Return the 1e9 multiply-accumulates of one call, which mmengine calls flops; inputs go where the network is."""
    place = next((parameter.device for parameter in network.parameters()), torch.device('cpu'))
    analysis = import_module('mmengine.analysis')
    logger = import_module('mmengine.logging').MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns of each kind of element-wise operation, which nobody counts
    try:
        complexity = analysis.get_model_complexity_info(
            network, inputs=tuple(x.to(place) for x in inputs), show_table=False, show_arch=False
        )
    finally:
        logger.setLevel(level)
    return float(complexity['flops']) / 1e9
