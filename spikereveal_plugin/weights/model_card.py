"""Model cards: what stands beside weights, so that a reader knows what they are and how to make them again."""

from pathlib import Path

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.text_file import read_text

SECTIONS = ('Data', 'Protocol', 'Scores', 'Limits', 'Recipe')
HASH = '{sha256}'  # in the text of a card that is registered together with its file


def check_model_card(path: Path, name: str, sha256: str) -> None:
    """Refuse a card that is absent, or that `check_text` refuses.

    Raises:
        SpikeDataError: naming the file and what it lacks.
    """
    if not path.is_file():
        raise SpikeDataError(f'weights {name!r}: the model card {path} is missing')
    check_text(read_text(path), path, name, sha256)


def check_text(text: str, path: Path, name: str, sha256: str) -> None:
    """Refuse the text of a card that does not name its weights and their hash, or lacks a section.

    Raises:
        SpikeDataError: naming `path` and what the text lacks.
    """
    if not text.startswith(f'# {name}\n'):
        raise SpikeDataError(f'{path}: expected a model card that begins with "# {name}"')
    if sha256 not in text:
        raise SpikeDataError(f'{path}: the card does not name the SHA-256 of its file, {sha256}; write {HASH} into it')
    bodies = _sections(text)
    if missing := [section for section in SECTIONS if not bodies.get(section)]:
        raise SpikeDataError(f'{path}: no text below "## {missing[0]}"; a card needs {", ".join(SECTIONS)}')


def _sections(text: str) -> dict[str, str]:
    """Bodies by the heading above them."""
    parts = [part.partition('\n') for part in text.split('\n## ')[1:]]
    return {heading.strip(): body.strip() for heading, _, body in parts}
