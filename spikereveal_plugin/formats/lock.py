"""One process a folder: a lock that the system lifts when its process ends, however it ends, so none is ever stale."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from spikereveal_plugin.errors import SpikeDataError

try:
    import fcntl
except ImportError:  # not on Windows: there, do not start one thing twice
    fcntl = None  # type: ignore[assignment]

_held: set[int] = set()
_log = logging.getLogger('spikereveal')


class FolderLock:
    """Keep other processes from working in a folder; it holds no file of the lock.

    Args:
        folder: exists.
        work: what another process would be doing, such as `training there`, for the message.
    """

    def __init__(self, folder: Path, work: str) -> None:
        self._folder, self._work = folder, work
        self._descriptor = -1

    def acquire(self) -> None:
        """Take the lock; taken already, it stays taken.

        Raises:
            SpikeDataError: another process has it.
        """
        if fcntl is None or self._descriptor >= 0:
            return
        self._descriptor = os.open(self._folder, os.O_RDONLY)
        _held.add(self._descriptor)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise SpikeDataError(
                f'{self._folder}: another process is {self._work}; wait for it, stop it, or choose another folder'
            ) from None
        except OSError as error:  # some network file systems know no locks
            _log.warning('%s cannot be locked (%s); let no other process work there', self._folder, error)

    def release(self) -> None:
        """Let other processes work in the folder."""
        if self._descriptor >= 0:
            _held.discard(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> 'FolderLock':
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _leave_to_parent() -> None:
    """Close, in a child, what would keep a lock after the death of the process that took it."""
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_leave_to_parent)
