"""A checkpoint becomes a file of weights with its card, and may be put into the registry with a name."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.text_file import read_text
from spikereveal_plugin.weights import registry
from spikereveal_plugin.weights.card import Card, ldn_of, positive_threshold
from spikereveal_plugin.weights.file import Weights, read_weights, weights_bytes
from spikereveal_plugin.weights.model_card import HASH, check_text
from spikereveal_plugin.weights.network import build_network, fill
from spikereveal_plugin.weights.registry import Entry, list_weights, write_entry


@dataclass(frozen=True)
class Packing:
    """What is said of a checkpoint, over what it says of itself.

    Raises:
        OptionError: the threshold is no positive number.
    """

    network: str | Mapping[str, Any] | None = None
    """a registered name, or a whole section of an option file; by default what the checkpoint's card says, else LDN. Of
    LDN by its name alone the arguments are read off its layers; any other network has its defaults."""
    threshold: float | None = None
    """of the spike camera in the training data; by default what the card says, else 1"""
    density: float | Literal['auto'] | None = None
    """`auto` if the training normalised spikes to it; by default what the card says, else 1.0"""
    param_key: str | None = None
    """which of a checkpoint's networks; `params_ema` is the moving average"""

    def __post_init__(self) -> None:
        if self.threshold is not None and not positive_threshold(self.threshold):
            raise OptionError(f'threshold {self.threshold}: expected a positive number, such as 1, 2 or 4')

    def card(self, weights: Weights) -> Card:
        """Return the card of weights."""
        own = weights.card or Card({})
        threshold = own.threshold if self.threshold is None else self.threshold
        density = own.density if self.density is None else self.density
        return Card(self._network(weights), threshold, density)

    def _network(self, weights: Weights) -> dict[str, Any]:
        if self.network is None and weights.card is not None:
            return weights.card.network
        if self.network in (None, 'LDN'):
            return ldn_of(weights.state, weights.path)
        return {'type': self.network} if isinstance(self.network, str) else dict(self.network or {})


def packed(source: Path, packing: Packing) -> tuple[bytes, Card]:
    """Return a checkpoint of `basicsr train` as a file of weights, and its card.

    Raises:
        SpikeDataError: the checkpoint is damaged, or does not fit the network.
        OptionError: the network is unknown or does not take the arguments.
    """
    weights = read_weights(source, *filter(None, [packing.param_key]))
    card = packing.card(weights)
    fill(build_network(card.network, str(source)), weights)
    return weights_bytes(weights.state, card), card


def entry_of(content: bytes, name: str, card: Card, summary: str) -> Entry:
    """Return the entry of a packed file that is to be called `<name>.pth`."""
    return Entry(
        network=card.network['type'],
        file=f'{name}.pth',
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        card=f'{name}.md',
        threshold=card.threshold,
        density=card.density,
        summary=summary,
    )


def register(source: Path, name: str, card: Path, packing: Packing, summary: str) -> Entry:
    """Pack a checkpoint and give it a name in the package's registry.

    Args:
        source: a checkpoint of `basicsr train`, or a file of weights.
        name: what users will type; the files are `<name>.pth` and `<name>.md`.
        card: the model card's text; `{sha256}` in it is filled in.
        packing: what the checkpoint does not say of itself.
        summary: the scores in one line.

    Raises:
        SpikeRevealError: the checkpoint is at fault, or the card lacks something; nothing is written then.
    """
    folder = registry.weights_folder()
    if not card.is_file():
        raise SpikeDataError(f'{card}: no such model card')
    content, described = packed(source, packing)
    entry = entry_of(content, name, described, summary)
    text = read_text(card).replace(HASH, entry.sha256)
    check_text(text, card, name, entry.sha256)
    write_atomically(folder / entry.file, content)
    write_atomically(folder / entry.card, text.encode())
    write_entry(name, entry, folder)
    list_weights(folder)[name].check()
    return entry
