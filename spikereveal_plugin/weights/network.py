"""The one builder of networks, with weights or without."""

import hashlib
import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from basicsr.utils.registry import ARCH_REGISTRY
from torch import nn

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.options import check_arguments, lookup
from spikereveal_plugin.weights.card import Card, ldn_of
from spikereveal_plugin.weights.file import Weights, read_weights
from spikereveal_plugin.weights.forms import without_owner
from spikereveal_plugin.weights.registry import find_weights
from spikereveal_plugin.weights.sketch import check_card, check_shapes, on_paper

_REFUSALS = (TypeError, ValueError, AssertionError, KeyError, OSError)  # of arguments, by networks


@dataclass(frozen=True)
class Loaded:
    """A network with its card."""

    network: nn.Module
    """in evaluation mode"""
    card: Card
    """what the file says or, where it says nothing, its network with the card's defaults"""
    has_card: bool = True
    """whether the file says it"""

    @property
    def num_spike(self) -> int:
        """Readouts that it sees around an instant."""
        return describe(self.network).num_spike


def build_network(section: Mapping[str, Any], where: str) -> nn.Module:
    """Build a registered network from `type` and its arguments; `where` names the section in errors.

    Raises:
        OptionError: it is not registered, or does not take its arguments.
    """
    kind = lookup(ARCH_REGISTRY, section, where)
    check_arguments(kind, section, where)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'torch.meshgrid', UserWarning)  # BasicSR's SwinIR
            network: nn.Module = kind(**{key: value for key, value in section.items() if key != 'type'})
    except _REFUSALS as error:
        reason = ' '.join(str(error).split())
        raise OptionError(f'{where}: {section["type"]} cannot be built: {reason}') from None
    return network


def all_arguments(section: Mapping[str, Any]) -> dict[str, Any]:
    """A network's section with every argument spelled out: one that states a default equals one that does not."""
    network = ARCH_REGISTRY.get(section['type'])
    given = {key: value for key, value in section.items() if key != 'type'}
    bound = inspect.signature(network).bind(**given)
    bound.apply_defaults()
    return {'type': section['type'], **bound.arguments}


def fill(network: nn.Module, weights: Weights) -> None:
    """Give a network its weights.

    Raises:
        SpikeDataError: they do not fit, or are not finite.
    """
    check_finite(weights)
    try:
        network.load_state_dict(without_owner(weights.state, network.state_dict().keys()))
    except RuntimeError as error:
        reason = ' '.join(str(error).split())
        raise SpikeDataError(
            f'{weights.path}: the weights do not fit {type(network).__name__}: {reason[:300]}'
        ) from None


def check_finite(weights: Weights) -> None:
    """Refuse weights that hold NaN or Inf.

    Raises:
        SpikeDataError: naming the first that does.
    """
    if broken := next((name for name, value in weights.state.items() if not value.isfinite().all()), None):
        raise SpikeDataError(
            f'{weights.path}: the weights {broken} hold NaN or Inf; its training failed before it was saved'
        )


def load_section(section: Mapping[str, Any], path: Path, param_key: str, where: str) -> Loaded:
    """Build the network of a section of options, with its weights.

    Args:
        section: `type` and arguments.
        path: the file of weights.
        param_key: of the file, as BasicSR's `param_key_g`; where it is absent, any other is taken.
        where: names the section in errors.

    Raises:
        OptionError: the network is not registered, or does not take its arguments.
        SpikeDataError: the file is missing or damaged, or its weights do not fit.
    """
    network = build_network(section, where)
    weights = read_preferring(path, param_key)
    fill(network, weights)
    return Loaded(network.eval(), weights.card or Card(dict(section)), weights.card is not None)


def read_preferring(path: Path, param_key: str) -> Weights:
    """Read weights under a key of the file or, where it is absent, under any other, as BasicSR does."""
    try:
        return read_weights(path, param_key)
    except SpikeDataError:
        return read_weights(path)


def load_named(name_or_file: str | Path, kind: str, folder: Path | None = None) -> Loaded:
    """Load a network of one kind, such as a part of the teacher.

    Args:
        name_or_file: a registered name, or a file with or without a card.
        kind: the architecture; without a card it has its defaults.
        folder: of the registry; by default the package's.

    Raises:
        SpikeDataError: the file is missing, damaged or not the registered one, or its weights do not fit the network.
        OptionError: its card says another network.
    """
    weights = read_weights(find_weights(name_or_file, folder))
    card = weights.card or Card({'type': kind} if kind != 'LDN' else ldn_of(weights.state, weights.path))
    if card.network.get('type') != kind:
        raise OptionError(f'{name_or_file}: weights of {card.network.get("type")}, expected of {kind}')
    return _with_card(weights, card)


def load_whole(name_or_file: str | Path, folder: Path | None = None) -> Loaded:
    """Load a network of any kind by what its card says.

    Raises:
        SpikeDataError: the file is missing, damaged or not the registered one, has no card, or its weights do not fit.
        OptionError: the network that its card names is not registered.
    """
    weights = read_weights(find_weights(name_or_file, folder))
    if weights.card is None:
        raise SpikeDataError(
            f'{weights.path}: no card says of which network these weights are; convert them by `spikereveal weights '
            'import`, or give them a card by `spikereveal weights pack`'
        )
    return _with_card(weights, weights.card)


def load_student(name_or_file: str | Path, folder: Path | None = None) -> Loaded:
    """Load a network that deblurs.

    Args:
        name_or_file: a registered name, or a file; without a card its weights are taken for LDN's.
        folder: of the registry; by default the package's.

    Raises:
        SpikeDataError: the file is missing, damaged or not the registered one, or its weights do not fit its network.
        OptionError: the network is none that turns photo and spikes into a frame.
    """
    weights = read_weights(find_weights(name_or_file, folder))
    loaded = _with_card(weights, weights.card or Card(ldn_of(weights.state, weights.path)))
    if not describe(loaded.network).is_student:
        kind = loaded.card.network['type']
        raise OptionError(f'{weights.path}: {kind} does not deblur by itself; expected a student such as LDN')
    return loaded


def _with_card(weights: Weights, card: Card) -> Loaded:
    where = f'{weights.path}: its card'
    check_card(card.network, where)
    with on_paper():
        sketch = build_network(card.network, where)
    check_shapes(sketch, weights.state, str(weights.path))
    network = build_network(card.network, where)
    fill(network, weights)
    return Loaded(network.eval(), card)


def weights_hash(network: nn.Module) -> str:
    """SHA-256 of every parameter and buffer, by name: the same on every device and in every memory format."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f'{name} {values.dtype} {tuple(values.shape)}\0'.encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()
