"""The authors' checkpoints (S-SDM, BGR) rewritten as this package's (RGB)."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.bsn_arch import BSN
from spikereveal_plugin.archs.ldn_arch import LDN
from spikereveal_plugin.archs.spike_edsr_arch import SpikeEDSR
from spikereveal_plugin.archs.weights_file import read_weights_file
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically

_WRAPPERS = ('state_dict', 'params', 'model')
_NETWORKS: dict[str, type[nn.Module]] = {'BSN': BSN, 'SpikeEDSR': SpikeEDSR, 'LDN': LDN}
_EDSR_MEAN_LAYERS = {
    'sub_mean.weight': 1.0,
    'sub_mean.bias': -0.446,
    'add_mean.weight': 1.0,
    'add_mean.bias': 0.446,
}
_LISTED = 6  # names an error shows before it says how many more there are


def _with_bias(layers: Mapping[str, str]) -> dict[str, str]:
    return {f'{theirs}.{kind}': f'{ours}.{kind}' for theirs, ours in layers.items() for kind in ('weight', 'bias')}


def _bsn_names() -> dict[str, str]:
    names = {'nin_A.weight': 'join.0.weight', 'nin_B.weight': 'join.2.weight', 'nin_C.weight': 'last.weight'}
    for theirs, ours, count in (('enc', 'encoder', 3), ('dec', 'decoder', 4)):
        for level in (1, 2, 3) if ours == 'encoder' else (1, 2):
            for i in range(count):
                names[f'unet.{theirs}{level}.conv{i + 1}.conv.weight'] = f'unet.{ours}{level}.{i}.weight'
    return names


def _edsr_names() -> dict[str, str]:
    layers = {'head.0': 'head', 'body.16': 'blocks_end', 'tail.1': 'last'}
    layers |= {
        f'body.{i}.body.{at}': f'blocks.{i}.{name}' for i in range(16) for at, name in ((0, 'conv1'), (2, 'conv2'))
    }
    layers |= {'tail.0.0': 'upsample.0.0', 'tail.0.2': 'upsample.1.0'}
    return _with_bias(layers)


def _ldn_names() -> dict[str, str]:
    layers = {'blur_enc.0': 'blur_down1', 'blur_enc2.0': 'blur_down2', 'decoder1.0': 'up1', 'decoder2.0': 'up2'}
    layers |= {'spike_enc.0': 'spike_conv1', 'spike_enc2.0': 'spike_conv2', 'pred': 'last'}
    for i in (0, 1):
        layers |= {
            f'resBlock{i + 1}.conv_block.{at}': f'blocks.{i}.{name}' for at, name in ((0, 'conv1'), (3, 'conv2'))
        }
    return _with_bias(layers) | {
        'ca.fc.0.weight': 'channel_attention.squeeze.weight',
        'ca.fc.2.weight': 'channel_attention.excite.weight',
        'sa.conv1.weight': 'spatial_attention.conv.weight',
    }


_NAMES = {'BSN': _bsn_names(), 'SpikeEDSR': _edsr_names(), 'LDN': _ldn_names()}


def convert_ssdm(state: Mapping[str, Any]) -> tuple[str, dict[str, Tensor]]:
    """Translate the authors' state dict of BSN, EDSR or LDN.

    A wrapper (`state_dict`, `params` or `model`) and the prefix `module.` are taken off. LDN's weights are reordered
    so that it takes and gives RGB. EDSR's two fixed mean layers are checked and left out.

    Args:
        state: the authors' names with tensors of the published shapes.

    Returns:
        The registered name of the network, and its state dict (new tensors).

    Raises:
        SpikeDataError: the network is not recognised, or a name or shape differs from the published one.
    """
    state = _unwrap(state)
    network = max(_NAMES, key=lambda name: len(_NAMES[name].keys() & state.keys()))
    names = _NAMES[network]
    if not names.keys() & state.keys():
        raise SpikeDataError(
            f"not the authors' BSN, EDSR or LDN: none of their parameter names is among {_list(state)}. "
            'Weights that this package trained need no conversion.'
        )
    if network == 'SpikeEDSR':
        state = _without_mean_layers(state)
    _check_names_and_shapes(network, state)
    converted = {names[key]: tensor.detach().clone() for key, tensor in state.items()}
    return network, _ldn_to_rgb(converted) if network == 'LDN' else converted


def is_ssdm(state: Mapping[str, Any]) -> bool:
    """Whether the parameters, without wrapper and prefix, have the names of the authors' code."""
    names = max((names.keys() for names in _NAMES.values()), key=lambda names: len(names & state.keys()))
    return 2 * len(names & state.keys()) > len(names)


def load_ssdm_file(path: Path) -> tuple[str, dict[str, Tensor]]:
    """Read a checkpoint of the authors and translate it by `convert_ssdm`.

    Raises:
        SpikeDataError: `path` is no file, holds no PyTorch weights, or none of the three networks.
    """
    state = read_weights_file(path)
    try:
        return convert_ssdm(state)
    except SpikeDataError as error:
        raise SpikeDataError(f'{path}: {error}') from error


def import_ssdm(source: Path, target: Path) -> str:
    """Write a checkpoint of the authors as one that BasicSR's `pretrain_network_g` reads, in one step or not at all.

    Args:
        source: the authors' .pth file.
        target: the file to write; its folder is made. A former file is replaced.

    Returns:
        The registered name of the network.

    Raises:
        SpikeDataError: as `load_ssdm_file`.
    """
    network, state = load_ssdm_file(source)
    buffer = io.BytesIO()
    torch.save({'params': state}, buffer)
    write_atomically(target, buffer.getvalue())
    return network


def _unwrap(state: Mapping[str, Any]) -> dict[str, Any]:
    for wrapper in _WRAPPERS:
        inner = state.get(wrapper)
        if isinstance(inner, Mapping):
            state = inner
    return {str(key).removeprefix('module.'): value for key, value in state.items()}


def _without_mean_layers(state: Mapping[str, Any]) -> dict[str, Any]:
    for key, expected in _EDSR_MEAN_LAYERS.items():
        value = state.get(key)
        if value is None:
            raise SpikeDataError(f'SpikeEDSR: missing {key}, a fixed layer of the published network')
        if not isinstance(value, Tensor) or value.numel() != 1 or abs(value.item() - expected) > 1e-6:
            raise SpikeDataError(f'SpikeEDSR: {key} is {value}, expected the fixed {expected}')
    return {key: value for key, value in state.items() if key not in _EDSR_MEAN_LAYERS}


def _check_names_and_shapes(network: str, state: Mapping[str, Any]) -> None:
    names = _NAMES[network]
    with torch.device('meta'):
        expected = _NETWORKS[network]().state_dict()
    problems = [f'unknown {_list(unknown)}'] if (unknown := state.keys() - names.keys()) else []
    if missing := names.keys() - state.keys():
        problems.append(f'missing {_list(missing)}')
    for key in names.keys() & state.keys():
        shape, tensor = tuple(expected[names[key]].shape), state[key]
        if not isinstance(tensor, Tensor):
            problems.append(f'{key} is a {type(tensor).__name__}, expected a tensor {shape}')
        elif tuple(tensor.shape) != shape:
            problems.append(f'{key} is {tuple(tensor.shape)}, expected {shape}')
    if problems:
        raise SpikeDataError(f'not the published {network}: {"; ".join(sorted(problems))}')


def _ldn_to_rgb(state: dict[str, Tensor]) -> dict[str, Tensor]:
    last = state['last.weight'].flip(0)  # (3 out, 3 image + 16 features, 1, 1)
    last = torch.cat((last[:, :3].flip(1), last[:, 3:]), dim=1)
    first = state['blur_down1.weight'].flip(1)
    return state | {'blur_down1.weight': first, 'last.weight': last, 'last.bias': state['last.bias'].flip(0)}


def _list(names: Mapping[str, Any] | set[str]) -> str:
    ordered = sorted(names)
    more = f' and {len(ordered) - _LISTED} more' if len(ordered) > _LISTED else ''
    return f'{", ".join(ordered[:_LISTED])}{more}'
