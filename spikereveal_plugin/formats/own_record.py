"""Which files of a folder this package wrote, known by content: only these are replaced unasked."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.text_file import read_json


class OwnRecord:
    """A small file of hashes.

    Args:
        path: of the record; a damaged one is as good as none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hashes: dict[str, str] = {}
        try:
            content = read_json(path)
            self._hashes = {str(name): str(digest) for name, digest in content.items()}
        except (ValueError, AttributeError):
            pass

    def refuse_others(self, files: Iterable[Path]) -> None:
        """Refuse to replace a file that is not as it was written.

        Raises:
            OptionError: one was written by something else, or was changed since.
        """
        for file in files:
            if (file.exists() or file.is_symlink()) and self._hashes.get(str(file)) != _digest(file):
                raise OptionError(
                    f'{file} was not written by this command, or was changed since; choose another folder, or replace '
                    'it with --overwrite'
                )

    def note(self, files: Iterable[Path]) -> None:
        """Keep the hashes of files that were just written."""
        self._hashes |= {str(file): _digest(file) for file in files}
        write_atomically(self._path, (json.dumps(self._hashes, indent=1) + '\n').encode())


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() and not file.is_symlink() else ''
