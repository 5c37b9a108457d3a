"""What a file of weights says of its network's needs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.physics.density import Density
from spikereveal_plugin.weights.forms import without_owner


@dataclass(frozen=True)
class Card:
    """Stands in a file of weights under the key `card`; BasicSR reads `params` alone and ignores it."""

    network: dict[str, Any]
    """`type`, a registered architecture, and its arguments, as in an option file's `network_g`"""
    threshold: float = 1.0
    """of the spike camera in the training data, in units of full light a readout"""
    density: float | Literal['auto'] = 1.0
    """`auto` where the network was trained on spikes normalised to `threshold`, 1.0 where it was not"""

    @property
    def wants(self) -> Density:
        """How dense the network wants spikes to be."""
        return Density(self.density, self.threshold)


def card_of(content: Mapping[str, Any], path: Path) -> Card | None:
    """Return the card in the content of a file, if there is one.

    Raises:
        SpikeDataError: it is not of this form.
    """
    if content.get('card') is None:
        return None
    try:
        card = Card(**content['card'])
        if not isinstance(card.network, dict):
            raise TypeError(f'it names no network: {card.network!r}')
        _ = card.wants
    except (TypeError, ValueError) as error:
        raise SpikeDataError(f'{path}: its card cannot be read: {error}') from None
    return card


def positive_threshold(threshold: float) -> bool:
    """Whether a number can be a spike camera's threshold."""
    return 0 < threshold < math.inf


def ldn_of(state: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """Return LDN's section as the shapes of its layers tell it: weights without a card are taken for LDN's.

    Raises:
        SpikeDataError: they are of another network.
    """
    state = without_owner(state, ('spike_conv1.weight', 'channel_attention.squeeze.weight'))
    first, squeeze = state.get('spike_conv1.weight'), state.get('channel_attention.squeeze.weight')
    if first is None or squeeze is None or first.dim() != 4 or squeeze.dim() != 4:
        raise SpikeDataError(f'{path}: no card, and not the layers of LDN; expected the weights of a student')
    reduction = squeeze.shape[1] // squeeze.shape[0]
    return {'type': 'LDN', 'num_spike': first.shape[1], 'num_feat': first.shape[0], 'reduction': reduction}
