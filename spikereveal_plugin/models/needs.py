"""What weights need of the data comes with them into every training and test."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from basicsr.utils import get_root_logger

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.models.options import NETWORKS
from spikereveal_plugin.physics.density import Density
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import read_card


def density_of_weights(opt: Mapping[str, Any], networks: Sequence[str] = NETWORKS) -> Density | None:
    """How dense the weights of section `path` want spikes to be; None where no card says it.

    Raises:
        OptionError: two of them want different densities.
        SpikeDataError: a file is damaged.
    """
    cards = {}
    for key in networks:
        path = (opt.get('path') or {}).get(f'pretrain_{key}')
        if path is not None and Path(path).is_file() and (card := read_card(Path(path))) is not None:
            cards[f'path.pretrain_{key}'] = card.wants
    if len(set(cards.values())) > 1:
        wants = ', '.join(f'{key} {_words(density)}' for key, density in cards.items())
        raise OptionError(f'weights want different densities of the same spikes: {wants}; use weights that agree')
    return next(iter(cards.values()), None)


def carry_density(opt: Mapping[str, Any]) -> None:
    """Tell data sets that do not say their density what the weights want; say where one says something else.

    Raises:
        OptionError: as `density_of_weights`.
        SpikeDataError: as `density_of_weights`.
    """
    wanted = density_of_weights(opt)
    if wanted is None:
        return
    for phase, section in opt['datasets'].items():
        if section.get('type') != 'SpikeBlurDataset':
            continue
        given = Density(section.get('density', wanted.value), section.get('trained_threshold', wanted.threshold))
        section.update(density=given.value, trained_threshold=given.threshold)
        if given != wanted:
            get_root_logger().warning(
                f'datasets.{phase}: density {_words(given)} is given, the weights want {_words(wanted)}.'
            )
        elif wanted != Density():
            get_root_logger().info(f'datasets.{phase}: density {_words(wanted)}, as the weights want.')


def refused_weights(network: str, path: str, error: SpikeDataError) -> OptionError:
    """What is wrong with the weights of a section, as a mistake in the option that names them."""
    remedy = '' if Path(path).is_file() else '; train that stage first, or correct the path'
    return OptionError(f'path.pretrain_{network}: {error}{remedy}')


def card_of_run(opt: Mapping[str, Any]) -> Card:
    """What the network of a run needs: its section, and the density of the data that it is trained on."""
    section = opt['datasets'].get('train') or {}
    network = json.loads(json.dumps(opt['network_g']))  # plain containers, which `torch.load` reads safely
    return Card(network, section.get('trained_threshold', 1.0), section.get('density', 1.0))


def _words(density: Density) -> str:
    return f'auto (threshold {density.threshold:g})' if density.value == 'auto' else f'{density.value:g}'
