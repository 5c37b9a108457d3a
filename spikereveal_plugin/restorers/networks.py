"""Networks of restorers, from what a section of options says of them and of their weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from spikereveal_plugin.weights.network import Loaded, load_section
from spikereveal_plugin.weights.registry import resolve_option


def weights_file(name_or_file: str, where: str, network: str | None = None) -> Path:
    """Return the file that an option names, whether it is there or not.

    Args:
        name_or_file: what the option says.
        where: the option, for errors.
        network: the architecture that the weights are for, where it is known.

    Raises:
        OptionError: it looks like a name of weights and is none, or names those of another network.
    """
    return resolve_option(name_or_file, network, where)


def load_frozen(
    section: Mapping[str, Any], where: str, path: Path, device: torch.device, key: str = 'params'
) -> Loaded:
    """Load a network that is used as it is.

    Args:
        section: `type` and arguments; those that its weights' card says need not be repeated.
        where: names the section in errors.
        path: its weights (`weights_file`).
        device: where to compute.
        key: where the file holds the weights.

    Raises:
        OptionError: the network is not registered, or does not take its arguments.
        SpikeDataError: the weights are missing or damaged, or do not fit.
    """
    loaded = load_section(section, path, key, where)
    loaded.network.requires_grad_(False).to(device)
    return loaded
