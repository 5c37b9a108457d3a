"""Open LMDB environments, kept once a process and opened again in a forked child."""

import gc
import os
import threading
from pathlib import Path
from typing import Any

import lmdb

from spikereveal_plugin.errors import SpikeDataError


class OpenEnvironments:
    """Read-only environments by file: LMDB forbids opening a file twice in a process, and using it across a fork."""

    def __init__(self) -> None:
        self._opened: dict[tuple[Path, int], Any] = {}
        self._opening = threading.Lock()

    def get(self, path: Path, inode: int) -> Any:
        """Return the environment of a folder, opened at the first call.

        Args:
            path: resolved path of the folder.
            inode: of its data.mdb, since a folder deleted and built again under the same name is another environment.

        Raises:
            SpikeDataError: LMDB cannot open it.
        """
        with self._opening:
            if (path, inode) not in self._opened:
                try:
                    environment = self._open(path)
                except lmdb.Error as error:
                    raise SpikeDataError(
                        f'{path}: LMDB cannot open it ({error}); close other readers of it in this process, '
                        'or build it again if data.mdb is damaged'
                    ) from error
                _refuse_cut(path, environment)
                self._opened[path, inode] = environment
            return self._opened[path, inode]

    def _open(self, path: Path) -> Any:
        """Open an environment; once more without those whose files are gone, where LMDB takes it for one of these.

        LMDB knows open files by their numbers on the disk, and lock files too, which it does not hold open: once one is
        deleted, another file may get its number.
        """
        try:
            return lmdb.open(str(path), readonly=True, lock=False, readahead=False)
        except lmdb.Error:
            gone = [key for key in self._opened if _inode(key[0]) != key[1]]
            for key in gone:
                self._opened.pop(key).close()
            gc.collect()  # what nobody holds any more is closed by Python when it likes
            return lmdb.open(str(path), readonly=True, lock=False, readahead=False)

    def release(self, folder: Path) -> None:
        """Close what lies below a folder that is about to be deleted: another file may get its number on the disk."""
        root = folder.resolve()
        with self._opening:
            for key in [key for key in self._opened if key[0] == root or root in key[0].parents]:
                self._opened.pop(key).close()

    def forget(self) -> None:
        """Drop what a forked child inherited: its lock may be held, and lmdb takes its files for open."""
        for environment in self._opened.values():
            environment.close()
        self._opened = {}
        self._opening = threading.Lock()


def _inode(path: Path) -> int | None:
    try:
        return (path / 'data.mdb').stat().st_ino
    except OSError:
        return None


def _refuse_cut(path: Path, environment: Any) -> None:
    """Refuse a data.mdb that is shorter than its pages: reading beyond its end would kill the process (SIGBUS)."""
    needed = (environment.info()['last_pgno'] + 1) * environment.stat()['psize']
    size = (path / 'data.mdb').stat().st_size
    if size < needed:
        environment.close()
        raise SpikeDataError(
            f'{path}: data.mdb has {size} of {needed} bytes, so it was cut short; copy or build it again'
        )


ENVIRONMENTS = OpenEnvironments()
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=ENVIRONMENTS.forget)
