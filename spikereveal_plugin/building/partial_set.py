"""`<out>.partial`: where a data set grows until it is whole, and what a command that is given again finds there.

build.json      the plan; the last file to go
records/        finished samples (`SampleRecords`)
set/            LMDBs, then dataset.json; this folder is renamed to <out>
replaced/       the set that was at <out>, while its place is taken
"""

import errno
import json
import logging
import shutil
from pathlib import Path
from typing import Any

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.inputs import real
from spikereveal_plugin.formats.lock import FolderLock
from spikereveal_plugin.formats.own_files import keep_others
from spikereveal_plugin.formats.text_file import read_json
from spikereveal_plugin.recordings.manifest import MANIFEST, differences, own_files, plan_part, read_manifest

_BUILD = 'build.json'
_log = logging.getLogger('spikereveal')


class PartialSet:
    """The folder in which `out` is made.

    Args:
        out: folder of the data set.
        plan: what it is made from, as `BuildPlan.as_json` states it.
        overwrite: replace a data set at `out`, and throw away what another command began.
    """

    def __init__(self, out: Path, plan: dict[str, Any], *, overwrite: bool) -> None:
        self.out = real(out)
        self.path = self.out.with_name(f'{self.out.name}.partial')
        self.records, self.set = self.path / 'records', self.path / 'set'
        self._asked, self._overwrite = plan, overwrite
        self._replaced = self.path / 'replaced'
        self._lock = FolderLock(self.path, 'building there')
        self.is_published = False

    @property
    def is_assembled(self) -> bool:
        """Whether all LMDBs are there and only the name is missing."""
        return (self.set / MANIFEST).is_file()

    def open(self) -> None:
        """Begin, or go on with, the build.

        Raises:
            SpikeDataError: `out` or its `.partial` is something else, was begun by another command, or is being
                built by another process.
        """
        self.is_published = self._check_out()
        if self.path.exists():
            self._check_foreign()
            self._lock.acquire()
            self._check_begun()
        if self.is_published:
            self.remove()
            return
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        if not self.is_assembled:
            write_atomically(self.path / _BUILD, json.dumps(self._asked).encode())

    def refuse_full_disk(self, error: BaseException | None) -> None:
        """Say in one line that an error was a full disk, if it was."""
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SpikeDataError(
                f'{self.path}: the disk is full; what is finished is kept: free some space and give the same command '
                f'again'
            ) from error

    def publish(self) -> None:
        """Give the whole set its name, in place of an older one."""
        for torn in self.set.glob(f'.{MANIFEST}.*.part'):
            torn.unlink()
        if self.out.exists():
            self._check_replaceable()  # again: the work took its time
            self.out.rename(self._replaced)
        self.set.rename(self.out)
        self.is_published = True
        self.remove()

    def remove(self) -> None:
        """Remove the folder; what users had put into a set that was replaced goes into the new one."""
        if self._replaced.exists() and not self.out.exists():  # a process was killed between two renames
            self._replaced.rename(self.out)
        if self._replaced.exists():
            own = own_files(self._replaced) if (self._replaced / MANIFEST).is_file() else []  # none: all are gone
            for kept in keep_others(self._replaced, self.out, own):
                _log.info('%s is kept: it is not of the data set that was replaced', kept)
        if self.path.exists():
            self._empty()
            self.path.rmdir()
        self.close()

    def _empty(self) -> None:
        for name in ('records', 'set', _BUILD):  # the plan last: without it, the folder is nobody's
            entry = self.path / name
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)

    def close(self) -> None:
        """Let other processes build."""
        self._lock.release()

    def _check_out(self) -> bool:
        """Return whether `out` is this very data set already; refuse whatever else may not be replaced."""
        if not self.out.exists():
            return False
        if not self.out.is_dir():
            raise SpikeDataError(f'{self.out} is a file; name a folder for the data set')
        if not any(self.out.iterdir()):
            return False
        self._check_replaceable()
        if self._overwrite:
            return False
        if differing := differences(plan_part(read_manifest(self.out)), self._asked):
            raise SpikeDataError(
                f'{self.out} is not empty: it holds a data set of another command ({_some(differing)}); choose another '
                f'folder, or replace it with --overwrite'
            )
        return True

    def _check_replaceable(self) -> None:
        if not any(self.out.iterdir()):
            return
        if not (self.out / MANIFEST).is_file():
            raise SpikeDataError(
                f'{self.out} is not empty and holds no {MANIFEST}, so it is not replaced; remove it yourself'
            )
        own_files(self.out)

    def _check_foreign(self) -> None:
        known = {_BUILD, 'records', 'set', 'replaced'}
        if self.path.is_dir():
            for torn in self.path.glob(f'.{_BUILD}.*.part'):  # of a process killed while it wrote
                torn.unlink()
        is_ours = self.path.is_dir() and not {entry.name for entry in self.path.iterdir()} - known
        if is_ours and not ((self.path / _BUILD).is_file() or self.is_assembled):
            is_ours = all(
                entry.is_dir() or entry.suffix == '.part' for entry in self.path.rglob('*')
            )  # killed before it began
        if not is_ours:
            raise SpikeDataError(f'{self.path} is in the way and is no unfinished data set; move it elsewhere')

    def _check_begun(self) -> None:
        """Compare the command that began the folder with this one."""
        begun = self._begun()
        differing = differences(begun, self._asked) if begun else []
        if differing and not self._overwrite:
            raise SpikeDataError(
                f'{self.path} was begun by another command ({_some(differing)}); finish it with that one, or start '
                f'again with --overwrite'
            )
        if differing or not begun:
            self._empty()

    def _begun(self) -> dict[str, Any]:
        if self.is_assembled:
            return plan_part(read_manifest(self.set))
        try:
            if not (self.path / _BUILD).exists():
                return {}  # killed before it began, or after all was done
            begun: dict[str, Any] = read_json(self.path / _BUILD)
        except SpikeDataError as error:
            raise SpikeDataError(
                f'{self.path / _BUILD}: not readable ({error}); start again: remove the folder'
            ) from None
        return begun


def _some(differing: list[str]) -> str:
    more = f', and {len(differing) - 4} more' if len(differing) > 4 else ''
    return '; '.join(differing[:4]) + more
