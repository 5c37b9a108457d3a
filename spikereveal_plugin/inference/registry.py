"""Named weights that come with the package: `weights/registry.json`, files beside it, hashes checked on each load."""

import hashlib
import json
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import spikereveal_plugin
from spikereveal_plugin.errors import SpikeDataError

FORMAT_VERSION = 1
INDEX = 'registry.json'
_FIELDS = ('file', 'sha256', 'card', 'summary')


@dataclass(frozen=True)
class NamedWeights:
    """An entry of the registry.

    Args:
        name: what a user types.
        path: the `.pth` file.
        sha256: of that file, hexadecimal.
        card: the model card, Markdown: data, protocol, scores, limits.
        summary: one line for `spikereveal weights list`.
    """

    name: str
    path: Path
    sha256: str
    card: Path
    summary: str

    def checked_path(self) -> Path:
        """Return the path of the file once its hash is found right.

        Raises:
            SpikeDataError: the file is absent, or is not the registered one.
        """
        if not self.path.is_file():
            raise SpikeDataError(f'weights {self.name!r}: {self.path} is missing; install the package again')
        found = sha256_of(self.path)
        if found != self.sha256:
            raise SpikeDataError(
                f'weights {self.name!r}: {self.path} has SHA-256 {found}, expected {self.sha256}; it is damaged or was '
                'replaced: install the package again, or pass the file by its path to use it as it is'
            )
        return self.path


def weights_folder() -> Path:
    """Where the package keeps its weights."""
    return Path(spikereveal_plugin.__file__).parent / 'weights'


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest() if hasattr(hashlib, 'file_digest') else _digest(file)


def _digest(file: Any) -> str:
    """`hashlib.file_digest` of Python 3.10, which lacks it."""
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def list_weights(folder: Path | None = None) -> dict[str, NamedWeights]:
    """Read the registry.

    Args:
        folder: holds `registry.json`; by default the package's.

    Returns:
        Entries by name, in the order of the file.

    Raises:
        SpikeDataError: the registry is absent or is not of this form.
    """
    folder = folder or weights_folder()
    path = folder / INDEX
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise SpikeDataError(f'{path}: not a readable registry ({error}); install the package again') from None
    if not isinstance(content, dict) or content.get('format') != FORMAT_VERSION:
        raise SpikeDataError(f'{path}: expected a registry of format {FORMAT_VERSION}')
    return {name: _entry(folder, name, fields) for name, fields in content.get('weights', {}).items()}


def _entry(folder: Path, name: str, fields: dict[str, str]) -> NamedWeights:
    if not isinstance(fields, dict) or set(fields) != set(_FIELDS):
        raise SpikeDataError(f'{folder / INDEX}: {name!r} needs exactly the fields {", ".join(_FIELDS)}')
    if any(Path(fields[key]).name != fields[key] for key in ('file', 'card')):
        raise SpikeDataError(f'{folder / INDEX}: {name!r}: file and card are names beside the registry, not paths')
    return NamedWeights(
        name, folder / fields['file'], fields['sha256'].lower(), folder / fields['card'], fields['summary']
    )


def find_weights(name_or_file: str | Path, folder: Path | None = None) -> Path:
    """Return the file that a name stands for, its hash checked, or the file at a path.

    Raises:
        SpikeDataError: there is neither such a name nor such a file; known names are listed.
    """
    known = list_weights(folder)
    if isinstance(name_or_file, str) and name_or_file in known:
        return known[name_or_file].checked_path()
    path = Path(name_or_file).expanduser()
    if path.is_file():
        return path
    close = get_close_matches(str(name_or_file), known, n=1)
    hint = f'did you mean {close[0]!r}? ' if close else ''
    names = ', '.join(known) or 'none yet'
    raise SpikeDataError(f'{name_or_file}: neither a file nor a name of weights; {hint}known names: {names}')
