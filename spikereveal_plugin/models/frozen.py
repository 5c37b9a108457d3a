"""Networks that are used as they are: built, loaded, and told apart by the hash of their weights."""

import hashlib
import inspect
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from basicsr.archs import build_network
from basicsr.utils.registry import ARCH_REGISTRY
from torch import nn

from spikereveal_plugin.errors import OptionError


def frozen_network(opt: Mapping[str, Any], key: str, device: torch.device) -> nn.Module:
    """Build the network of section `key`, with the weights that `path.pretrain_<key>` names; some have none.

    Raises:
        OptionError: the section or the path is missing, or the weights do not fit.
    """
    paths = opt.get('path') or {}
    path = paths.get(f'pretrain_{key}')
    needed = OptionError(f'{opt.get("model_type")} needs the section {key} and its weights in path.pretrain_{key}')
    if key not in opt:
        raise needed
    network: nn.Module = build_network(dict(opt[key])).to(device, memory_format=torch.channels_last)
    if path is None and network.state_dict():
        raise needed
    if path is not None:
        load_weights(network, Path(path), paths.get(f'param_key_{key.removeprefix("network_")}', 'params'))
    return network.requires_grad_(False).eval()


def weights_hash(network: nn.Module) -> str:
    """SHA-256 of every parameter and buffer, by name: the same on every device and in every memory format."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f'{name} {values.dtype} {tuple(values.shape)}\0'.encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def all_arguments(section: Mapping[str, Any]) -> dict[str, Any]:
    """A network's section with every argument spelled out: one that states a default equals one that does not."""
    network = ARCH_REGISTRY.get(section['type'])
    given = {key: value for key, value in section.items() if key != 'type'}
    bound = inspect.signature(network).bind(**given)
    bound.apply_defaults()
    return {'type': section['type'], **bound.arguments}


def missing_weights(network: nn.Module, path: Path) -> OptionError:
    """The error of weights that are not there."""
    name = type(network).__name__
    return OptionError(f'weights of {name}: no such file {path}; train that stage first, or correct `path`')


def unfit_weights(network: nn.Module, path: Path, error: Exception) -> OptionError:
    """The error of a file that does not hold a network's weights."""
    reason = ' '.join(str(error).split())
    return OptionError(f'weights of {type(network).__name__}: {path} does not fit: {reason[:300]}')


UNFIT = (RuntimeError, KeyError, pickle.UnpicklingError, EOFError)  # what loading raises for a wrong file


def load_weights(network: nn.Module, path: Path, param_key: str) -> None:
    """As BasicSR's `load_network`.

    Raises:
        OptionError: there is no such file, or it does not hold weights of this network.
    """
    if not path.is_file():
        raise missing_weights(network, path)
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
        state = state[param_key if param_key in state else 'params']
        network.load_state_dict({name.removeprefix('module.'): value for name, value in state.items()})
    except UNFIT as error:
        raise unfit_weights(network, path, error) from None
