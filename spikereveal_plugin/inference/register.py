"""Put weights into a registry: the file, its model card with the file's hash, and the entry, checked before."""

import hashlib
from pathlib import Path

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.inference.weights import Packing, packed
from spikereveal_plugin.weights import registry
from spikereveal_plugin.weights.model_card import HASH, check_text
from spikereveal_plugin.weights.registry import Entry, list_weights, write_entry


def entry_of(content: bytes, name: str, packing: Packing, network: str, summary: str) -> Entry:
    """Return the entry of a packed file that is to be called `<name>.pth`."""
    return Entry(
        network=network,
        file=f'{name}.pth',
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        card=f'{name}.md',
        threshold=packing.threshold,
        density=packing.density,
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
    entry = entry_of(content, name, packing, described.network['type'], summary)
    text = card.read_text(encoding='utf-8').replace(HASH, entry.sha256)
    check_text(text, card, name, entry.sha256)
    write_atomically(folder / entry.file, content)
    write_atomically(folder / entry.card, text.encode())
    write_entry(name, entry, folder)
    list_weights(folder)[name].check()
    return entry
