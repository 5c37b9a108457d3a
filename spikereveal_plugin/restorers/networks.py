"""Networks of restorers, from a section of options and their weights."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import nn

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.frozen import frozen_network, load_weights
from spikereveal_plugin.options import check_arguments, lookup
from spikereveal_plugin.physics.density import Density
from spikereveal_plugin.weights.registry import resolve_option


def weights_file(name_or_file: str, where: str) -> Path:
    """Return the file that an option names, whether it is there or not.

    Raises:
        OptionError: it looks like a name of weights and is none.
    """
    return resolve_option(name_or_file, None, where)


def frozen_part(
    name: str, kind: str, arguments: Mapping[str, Any] | None, weights: str, device: torch.device
) -> tuple[nn.Module, Density]:
    """Load a part of the teacher, and say how dense it wants spikes to be.

    Args:
        name: of the option that names its weights.
        kind: the registered network.
        arguments: of the network.
        weights: a file or a registered name.
        device: where to compute.

    Raises:
        OptionError: the weights are missing or do not fit, or an argument is unknown.
    """
    key, section = f'network_{name}', {'type': kind, **(arguments or {})}
    check_arguments(lookup(ARCH_REGISTRY, section, key), section, key)
    path = resolve_option(weights, kind, name)
    network = frozen_network({key: section, 'path': {f'pretrain_{key}': str(path)}}, key, device)
    return network, Density()


def load_arch(
    section: Mapping[str, Any], weights: str, param_key: str, device: torch.device
) -> tuple[nn.Module, Density]:
    """Build a registered network with its weights, and say how dense it wants spikes to be.

    Raises:
        OptionError: it is not registered, or does not take its arguments or weights.
    """
    kind = lookup(ARCH_REGISTRY, section, 'network')
    check_arguments(kind, section, 'network')
    arguments = {key: value for key, value in section.items() if key != 'type'}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'torch.meshgrid', UserWarning)  # BasicSR's SwinIR
            network: nn.Module = kind(**arguments)
    except (TypeError, ValueError, AssertionError, KeyError, OSError) as error:
        raise OptionError(f'network: {section["type"]} cannot be built: {" ".join(str(error).split())}') from None
    load_weights(network, resolve_option(weights, section['type'], 'weights'), param_key)
    return network.requires_grad_(False).to(device).eval(), Density()
