"""Checkpoints of other methods' code as files of weights of this package, with a card; strict, key by key."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from spikereveal_plugin.archs.weights_file import read_weights_file
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights
from spikereveal_plugin.weights.forms import find_state, unwrapped
from spikereveal_plugin.weights.network import build_network
from spikereveal_plugin.weights.sketch import on_paper

State = dict[str, Tensor]
_LISTED: Final = 4


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What is known of a method's checkpoints.

    Args:
        section: of the network in an option file, from the parameters.
        sign: a parameter that every checkpoint has.
        unused: what is in them and not in the network here: functions of sizes, copies, running statistics.
        files: how many files make up the network, by the part that each one is.
        renamed: parameters under the names that they have here.
    """

    section: Callable[[State], dict[str, Any]]
    sign: str
    unused: str = '$^'
    files: Mapping[str, str] | None = None
    renamed: Callable[[State], State] = dict


def _spk_deblur_net(state: State) -> dict[str, Any]:
    count, width = state['S_conv_down.0.weight'].shape[1], state['D_conv_down.0.weight'].shape[0]
    form = {'num_spike': count, 'num_feat': width, 'spike_scale': 2}
    return {'type': 'SpkDeblurNet', **form, 'legacy_spike_loop': True, 'mask_by_batch': True}


def _motion_etr(state: State) -> State:
    """Keep one of the two names that each tensor of the bottlenecks has."""
    kept: State = {}
    for name, value in state.items():
        own = name.replace('.model.0.', '.conv1.').replace('.model.2.', '.conv2.') if '.bottleneck_' in name else name
        if own in kept and not torch.equal(kept[own], value):
            raise SpikeDataError(f'{name} and its copy {own} differ')
        kept[own] = value
    return kept


def _dasr(state: State) -> dict[str, Any]:
    steps = sum(bool(re.fullmatch(r'G\.tail\.0\.\d+\.weight', name)) for name in state)
    is_three = state['G.tail.0.0.weight'].shape[0] == 9 * state['G.head.0.weight'].shape[0]
    return {'type': 'DASR', 'upscale': 3 if is_three else 2**steps}


_INDEX = r'.*\.(relative_position_index|attn_mask)'
PEERS: Final[dict[str, Peer]] = {
    'spkdeblurnet': Peer(section=_spk_deblur_net, sign='cammm.conv1.weight', unused=_INDEX),
    'refid': Peer(
        section=lambda s: {'type': 'REFID', 'num_in_ch': s['head_img.conv2d.weight'].shape[1], 'aliased_states': True},
        sign='head_img.conv2d.weight',
    ),
    'red': Peer(section=lambda _: {'type': 'RED'}, sign='SFENet1.weight'),
    'trmd': Peer(
        section=lambda s: {'type': 'TRMD', 'num_in_ch': s['blur_en_conv1.0.weight'].shape[1]},
        sign='blur_en_conv1.0.weight',
    ),
    'levs': Peer(
        section=lambda _: {'type': 'LEVS'},
        sign='center.conv1_B.weight',
        unused=r'.*\.(running_mean|running_var|num_batches_tracked)',
        files={
            'center': 'conv1_B.weight',
            'f35': 'generateFrame3.conv1_B.weight',
            'f26': 'generateFrame2_6.conv1_B.weight',
            'f17': 'generateFrame1_7.conv1_B.weight',
        },
    ),
    'motion_etr': Peer(
        section=lambda _: {'type': 'MotionETR', 'legacy_taps': True},
        sign='deblur_net.encoder_lv1.layer1.weight',
        renamed=_motion_etr,
    ),
    'bit': Peer(section=lambda _: {'type': 'BiT'}, sign='linear_reduce.weight', unused=_INDEX),
    'dasr': Peer(section=_dasr, sign='G.head.0.weight', unused=r'G\.(sub|add)_mean\..*|E\.encoder_k\..*|E\.queue.*'),
}
"""By the word after `--from`."""


def import_peer(word: str, sources: Sequence[Path], target: Path) -> Card:
    """Convert a method's checkpoint, or the files that make it up in any order, and write it whole or not at all.

    Args:
        word: one of `PEERS`.
        sources: the files, also from DataParallel or in BasicSR's form.
        target: the file to write.

    Returns:
        The card that it got.

    Raises:
        SpikeDataError: a file is missing or damaged, is of another method, or lacks a parameter or has one too many.
        OptionError: there are too few or too many files.
    """
    peer = PEERS[word]
    state = _joined(word, peer, sources)
    where = ', '.join(map(str, sources))
    try:
        state = peer.renamed({name: value for name, value in state.items() if not re.fullmatch(peer.unused, name)})
    except SpikeDataError as error:
        raise SpikeDataError(f'{where}: {error}') from None
    card = Card(_section(word, peer, state, where))
    _check(word, state, card, where)
    save_weights(target, state, card)
    return card


def _section(word: str, peer: Peer, state: State, where: str) -> dict[str, Any]:
    try:
        return peer.section(state)
    except (KeyError, IndexError):
        shape = tuple(state[peer.sign].shape) if peer.sign in state else 'absent'
        raise SpikeDataError(
            f'{where}: not the published {word}: {peer.sign} is {shape}, expected a convolution'
        ) from None


def _joined(word: str, peer: Peer, sources: Sequence[Path]) -> State:
    parts = peer.files or {'': peer.sign}
    if len(sources) != len(parts):
        listed = f': {", ".join(parts)}' if peer.files else ''
        raise OptionError(f'--from {word}: expected {len(parts)} file(s){listed}; got {len(sources)}')
    found: dict[str, State] = {}
    for path in sources:
        state = _state(path)
        part = next((name for name, sign in parts.items() if any(key.startswith(sign) for key in state)), None)
        if part is None:
            raise SpikeDataError(f'{path}: no weights of {word}{_looks_like(state)}')
        if part in found:
            raise SpikeDataError(f'{path}: another file is the part {part!r} of {word} already')
        found[part] = state
    return {f'{part}.{name}' if part else name: value for part, state in found.items() for name, value in state.items()}


def _state(path: Path) -> State:
    content = read_weights_file(path)
    if isinstance(content.get('last_shuffle_up'), Mapping):
        raise SpikeDataError(f'{path}: a checkpoint of BiT++, which has a head of its own; expected one of BiT or BiT+')
    inner = content.get('state_dict_G')
    state = find_state(inner if isinstance(inner, Mapping) else content)
    if state is None:
        raise SpikeDataError(f'{path}: holds no weights')
    return {unwrapped(str(name)): value for name, value in state.items() if isinstance(value, Tensor)}


def _looks_like(state: State) -> str:
    """Name the method whose checkpoint this is, if it is one."""
    for word, peer in PEERS.items():
        signs = (peer.files or {'': peer.sign}).values()
        if any(key.startswith(sign) for sign in signs for key in state):
            return f'; it looks like {word}: --from {word}'
    return f'; it holds {", ".join(list(state)[:_LISTED])} ...'


def _check(word: str, state: State, card: Card, where: str) -> None:
    """Compare names and shapes with those of the network, built without memory."""
    with on_paper():
        expected = build_network(card.network, f'--from {word}').state_dict()
    problems = []
    if missing := sorted(expected.keys() - state.keys()):
        problems.append(f'missing {_list(missing)}')
    if unknown := sorted(state.keys() - expected.keys()):
        problems.append(f'unknown {_list(unknown)}')
    problems += [
        f'{name} is {tuple(state[name].shape)}, expected {tuple(value.shape)}'
        for name, value in expected.items()
        if name in state and state[name].shape != value.shape
    ][:_LISTED]
    if problems:
        raise SpikeDataError(f'{where}: not the published {card.network["type"]}: {"; ".join(problems)}')


def _list(names: Sequence[str]) -> str:
    more = f' and {len(names) - _LISTED} more' if len(names) > _LISTED else ''
    return f'{", ".join(names[:_LISTED])}{more}'
