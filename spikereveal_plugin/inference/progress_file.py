"""`deblur.json`: what a folder of results was made with, and what of it is done."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.inference.outputs import writing

NAME = 'deblur.json'


class ProgressFile:
    """The settings of a folder of results, and the readouts restored for each finished job."""

    def __init__(self, path: Path, settings: Mapping[str, Any], done: Mapping[str, list[int]]) -> None:
        self._path, self._settings, self._done = path, dict(settings), dict(done)
        self.is_new = not path.is_file()  # no earlier run wrote into this folder

    @classmethod
    def open(cls, folder: Path, settings: Mapping[str, Any], *, overwrite: bool) -> 'ProgressFile':
        """Read what a former run left, or begin again.

        Raises:
            OptionError: the former run had other settings, and `overwrite` is false.
            SpikeDataError: the file is damaged.
        """
        path = folder / NAME
        if overwrite or not path.is_file():
            return cls(path, settings, {})
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            former, done = content['settings'], dict(content['done'])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SpikeDataError(f'{path}: not a readable record of results ({error}); pass --overwrite') from None
        if former != settings:
            differing = sorted(key for key in {*former, *settings} if former.get(key) != settings.get(key))
            raise OptionError(
                f'{folder} holds results of other settings ({", ".join(differing)} differ); choose another folder, or '
                'replace them with --overwrite'
            )
        return cls(path, settings, done)

    def has(self, name: str) -> bool:
        """Whether a job is finished."""
        return name in self._done

    def add(self, name: str, readouts: Sequence[int]) -> None:
        """Note that a job is finished.

        Raises:
            OutputError: the file cannot be written.
        """
        self._done[name] = list(readouts)
        self.write()

    def write(self) -> None:
        """Write what is known; from here on the results in this folder are known as such.

        Raises:
            OutputError: the file cannot be written.
        """
        content = json.dumps({'settings': self._settings, 'done': self._done}, indent=1) + '\n'
        with writing(self._path):
            write_atomically(self._path, content.encode())
