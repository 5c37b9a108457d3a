"""The one reader of files of weights, in every form that users bring, and the one writer."""

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from spikereveal_plugin.archs.convert import is_ssdm
from spikereveal_plugin.archs.weights_file import read_weights_file
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.weights.card import Card, card_of
from spikereveal_plugin.weights.forms import described, find_state, is_state, unwrapped


@dataclass(frozen=True)
class Weights:
    """What a file holds."""

    path: Path
    """the file"""
    state: dict[str, Tensor]
    """parameters and buffers by name, without the prefix of wrapped networks"""
    card: Card | None
    """what they need, where the file says it"""


def read_weights(path: Path, *keys: str) -> Weights:
    """Read weights of this package, of BasicSR, or in another form that people keep (see `forms`).

    Args:
        path: a `.pth` file.
        keys: which of a checkpoint's networks, the first that is there; `params_ema` is the moving average. By default
            `params`, then `params_ema`, then `state_dict`, then what `find_state` finds.

    Raises:
        SpikeDataError: the file is missing or damaged, is of the authors' code, or holds no weights.
    """
    content = read_weights_file(path)
    key = next((key for key in keys if isinstance(content.get(key), Mapping)), None)
    if keys and key is None:
        raise SpikeDataError(f'{path}: holds no {" or ".join(keys)}, but {described(content)[:200]}')
    found = content[key] if key else find_state(content)
    if found is None or not is_state(found):
        raise SpikeDataError(
            f'{path}: holds no weights, but {described(content if found is None else found)[:300]}; expected tensors '
            'by name, under params or at the top of the file'
        )
    state = {unwrapped(str(name)): value for name, value in found.items()}
    if is_ssdm(state):
        raise SpikeDataError(
            f"{path}: weights of the authors' code; convert them first: spikereveal weights import --from ssdm {path} "
            '-o converted.pth'
        )
    return Weights(path, state, card_of(content, path))


def read_card(path: Path) -> Card | None:
    """Return the card of a file of weights, if it has one.

    Raises:
        SpikeDataError: the file is missing or damaged.
    """
    return card_of(read_weights_file(path), path)


def weights_bytes(state: Mapping[str, Tensor], card: Card) -> bytes:
    """Return the content of a file of weights; the layout is BasicSR's, and has no time stamp in it."""
    buffer = io.BytesIO()
    torch.save({'params': dict(state), 'card': asdict(card)}, buffer)
    return buffer.getvalue()


def save_weights(path: Path, state: Mapping[str, Tensor], card: Card) -> None:
    """Write weights with their card, whole or not at all."""
    write_atomically(path, weights_bytes(state, card))
