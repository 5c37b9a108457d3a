"""Weights with a card: which network they belong to, and at what density of spikes it was trained."""

import io
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn

from spikereveal_plugin.archs.weights_file import read_weights_file
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.weights.registry import find_weights

PARAMETER_KEYS = ('params', 'params_ema', 'state_dict')


@dataclass(frozen=True)
class Card:
    """What a file of weights says about itself under the key `card`; BasicSR reads `params` alone and ignores it.

    Args:
        network: `type`, a registered architecture, and its arguments, as in an option file's `network_g`.
        threshold: of the spike camera in the training data.
        density: `auto` where the network was trained on spikes normalised to `threshold`, 1.0 where it was not.
    """

    network: dict[str, Any]
    threshold: float = 1.0
    density: float | Literal['auto'] = 1.0


@dataclass(frozen=True)
class Student:
    """A network in evaluation mode, with its card."""

    network: nn.Module
    card: Card

    @property
    def num_spike(self) -> int:
        """Readouts that it sees around an instant."""
        return int(self.network.num_spike)  # type: ignore[arg-type]


def save_weights(path: Path, state: Mapping[str, Tensor], card: Card) -> None:
    """Write weights with their card, whole or not at all; the layout is BasicSR's, and has no time stamp in it."""
    write_atomically(path, weights_file(state, card))


def weights_file(state: Mapping[str, Tensor], card: Card) -> bytes:
    """Return the content of a file of `save_weights`."""
    buffer = io.BytesIO()
    torch.save({'params': dict(state), 'card': asdict(card)}, buffer)
    return buffer.getvalue()


@dataclass(frozen=True)
class Packing:
    """What a checkpoint does not say of itself.

    Args:
        network: a registered name, or a whole section of an option file. Of LDN by its name alone the arguments are
            read off its layers; any other network has its defaults.
        threshold: of the spike camera in the training data.
        density: `auto` if the training normalised spikes to it, else 1.0.
        param_key: which of a checkpoint's networks; `params_ema` is the moving average.

    Raises:
        OptionError: the threshold is no positive number.
    """

    network: str | Mapping[str, Any] = 'LDN'
    threshold: float = 1.0
    density: float | Literal['auto'] = 1.0
    param_key: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.threshold < math.inf:
            raise OptionError(f'threshold {self.threshold}: expected a positive number, such as 1, 2 or 4')

    def card(self, state: Mapping[str, Tensor], where: Path) -> Card:
        """Return the card of weights."""
        if self.network == 'LDN':
            return Card(_ldn_of(state, where), self.threshold, self.density)
        network = {'type': self.network} if isinstance(self.network, str) else dict(self.network)
        return Card(network, self.threshold, self.density)


def packed(source: Path, packing: Packing) -> tuple[bytes, Card]:
    """Return a checkpoint of `basicsr train` as a file of weights, and its card.

    Raises:
        SpikeDataError: the checkpoint is damaged, or does not fit the network.
        OptionError: the network is unknown or does not take the arguments.
    """
    state = _parameters(source, packing.param_key)[0]
    card = packing.card(state, source)
    _load(build_network(card, str(source)), state, card, source)
    return weights_file(state, card), card


def load_network(name_or_file: str | Path, network: str, folder: Path | None = None) -> Student:
    """Load a network of one kind, such as a part of the teacher.

    Args:
        name_or_file: a registered name, or a file with or without a card.
        network: the architecture; without a card it has its defaults.
        folder: of the registry; by default the package's.

    Raises:
        SpikeDataError: the file is missing, damaged or not the registered one, or its weights do not fit the network.
        OptionError: its card says another network.
    """
    path = find_weights(name_or_file, folder)
    state, content = _parameters(path)
    card = Packing(network).card(state, path) if content is None else _card(content, path)
    if card.network.get('type') != network:
        raise OptionError(f'{name_or_file}: weights of {card.network.get("type")}, expected of {network}')
    built = build_network(card, str(path))
    _load(built, state, card, path)
    return Student(built.eval(), card)


def load_student(name_or_file: str | Path, folder: Path | None = None) -> Student:
    """Load a network that deblurs.

    Args:
        name_or_file: a registered name, or a file of `save_weights`, of BasicSR, or of a plain state dict of LDN.
        folder: of the registry; by default the package's.

    Raises:
        SpikeDataError: the file is missing, damaged or not the registered one, or its weights do not fit its network.
        OptionError: the network is none that turns photo and spikes into a frame.
    """
    path = find_weights(name_or_file, folder)
    state, content = _parameters(path)
    card = _card(content, path) if content is not None else Card(_ldn_of(state, path))
    network = build_network(card, str(path))
    if not isinstance(getattr(network, 'num_spike', None), int):
        name = card.network['type']
        raise OptionError(f'{path}: {name} does not deblur by itself; expected a student such as LDN')
    _load(network, state, card, path)
    return Student(network.eval(), card)


def _load(network: nn.Module, state: Mapping[str, Tensor], card: Card, path: Path) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = ' '.join(str(error).split())
        raise SpikeDataError(f'{path}: the weights do not fit {card.network["type"]}: {reason[:300]}') from None


def _parameters(path: Path, param_key: str | None = None) -> tuple[dict[str, Tensor], Any]:
    """Return the parameters and the card, if any, of a file; of `param_key` where it is given.

    Raises:
        SpikeDataError: the file holds no weights.
    """
    content = read_weights_file(path)
    wanted = (param_key,) if param_key else PARAMETER_KEYS
    key = next((key for key in wanted if isinstance(content.get(key), Mapping)), None)
    if param_key and key is None:
        raise SpikeDataError(f'{path}: holds no {param_key}, but {", ".join(map(str, content))[:200]}')
    state = {name.removeprefix('module.'): value for name, value in (content[key] if key else content).items()}
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise SpikeDataError(f'{path}: holds no weights under {", ".join(PARAMETER_KEYS)} or at its top')
    return state, content.get('card')


def build_network(card: Card, where: str) -> nn.Module:
    """Build the network of a card.

    Raises:
        OptionError: it is unknown, or does not take the card's arguments.
    """
    arguments = {key: value for key, value in card.network.items() if key != 'type'}
    name = card.network.get('type')
    if name not in ARCH_REGISTRY:
        raise OptionError(f'{where}: the network {name!r} is not registered here; a newer version may have it')
    try:
        network = ARCH_REGISTRY.get(name)(**arguments)
    except (TypeError, ValueError) as error:
        raise OptionError(f'{where}: {name} does not take what the card says: {error}') from None
    return network


def _card(content: Any, path: Path) -> Card:
    try:
        card = Card(**content)
    except TypeError as error:
        raise SpikeDataError(f'{path}: its card cannot be read: {error}') from None
    if not isinstance(card.network, dict):
        raise SpikeDataError(f'{path}: its card names no network: {card.network!r}')
    return card


def _ldn_of(state: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """Return LDN's arguments as its layers' shapes tell them."""
    if 'blur_enc.0.weight' in state:
        raise SpikeDataError(
            f"{path}: weights of the authors' code; convert them first: spikereveal weights import --from ssdm {path} "
            '-o ldn.pth'
        )
    first, squeeze = state.get('spike_conv1.weight'), state.get('channel_attention.squeeze.weight')
    if first is None or squeeze is None or first.dim() != 4 or squeeze.dim() != 4:
        raise SpikeDataError(f'{path}: no card, and not the layers of LDN; expected the weights of a student')
    reduction = squeeze.shape[1] // squeeze.shape[0]
    return {'type': 'LDN', 'num_spike': first.shape[1], 'num_feat': first.shape[0], 'reduction': reduction}
