"""`deblur.json`: what a folder of results was made with, and what of it is done, all known by content."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.text_file import read_json
from spikereveal_plugin.inference.outputs import writing

NAME = 'deblur.json'


class ProgressFile:
    """The settings of a folder of results, and for each finished job its readouts, what it was made from, its files.

    Args:
        folder: of the results.
        settings: what decides them beside each job's own input.
        done: what is known of finished jobs.
        begun: the job whose files are being written, or were when a run was killed.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], done: Mapping[str, Mapping[str, Any]], begun: str = ''
    ) -> None:
        self._folder, self._settings, self._done, self._begun = folder, dict(settings), dict(done), begun

    @classmethod
    def open(cls, folder: Path, settings: Mapping[str, Any], *, overwrite: bool) -> 'ProgressFile':
        """Read what a former run left, or begin again.

        Raises:
            OptionError: the former run had other settings, and `overwrite` is false.
            SpikeDataError: the file is damaged.
        """
        path = folder / NAME
        if overwrite or not path.is_file():
            return cls(folder, settings, {})
        try:
            content = read_json(path)
            former, done, begun = content['settings'], dict(content['done']), str(content.get('begun', ''))
        except (ValueError, KeyError, TypeError) as error:
            raise SpikeDataError(f'{path}: not a readable record of results ({error}); pass --overwrite') from None
        if former != settings:
            differing = sorted(key for key in {*former, *settings} if former.get(key) != settings.get(key))
            raise OptionError(
                f'{folder} holds results of other settings ({", ".join(differing)} differ); choose another folder, or '
                'replace them with --overwrite'
            )
        return cls(folder, settings, done, begun)

    def has(self, name: str) -> bool:
        """Whether a run finished a job of this name, whatever became of it since."""
        return name in self._done

    def owns(self, name: str) -> bool:
        """Whether the files of a job's names are of an earlier run, which may have been killed while it wrote them."""
        return name in self._done or name == self._begun

    def begin(self, name: str) -> None:
        """Note that a job's files are about to be written.

        Raises:
            OutputError: the file cannot be written.
        """
        self._begun = name
        self._write()

    def outdated(self, name: str, source: str) -> str:
        """Return why a finished job is to be done again, or nothing where it stands.

        Args:
            name: a job that is finished.
            source: hash of what it would be made from now.
        """
        entry = self._done[name]
        if not isinstance(entry, dict) or not isinstance(entry.get('files'), dict):
            return 'an earlier version made it, which kept no hashes'
        if entry.get('source') != source:
            return 'its photo, spikes or weights are not what they were'
        for file, digest in entry['files'].items():
            if _digest(self._folder / file) != digest:
                return f'{file} is not what was written'
        return ''

    def add(self, name: str, readouts: Sequence[int], source: str, files: Sequence[Path]) -> None:
        """Note that a job is finished.

        Raises:
            OutputError: the file cannot be written.
        """
        hashes = {path.relative_to(self._folder).as_posix(): _digest(path) for path in files}
        self._begun = ''
        self._done[name] = {'readouts': list(readouts), 'source': source, 'files': hashes}
        self._write()

    def _write(self) -> None:
        content = json.dumps({'settings': self._settings, 'done': self._done, 'begun': self._begun}, indent=1) + '\n'
        with writing(self._folder / NAME):
            write_atomically(self._folder / NAME, content.encode())


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file; of what is no file, nothing."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ''
