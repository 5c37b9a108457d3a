"""A process of a group that trains together ends with it: when the launcher is gone, or another process has failed."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from typing import Final

INTERVAL: Final = 1.0  # seconds
GRACE: Final = 5.0  # seconds in which a process that waits for a failed one may say so itself
LOST: Final = 1


class Watch:
    """A thread that looks every second, and ends the process, in which another thread may wait for ever.

    Args:
        has_failed: whether a process of the group has failed; may raise RuntimeError where nobody can be asked.
    """

    def __init__(self, has_failed: Callable[[], bool]) -> None:
        self._parent = os.getppid()
        self._has_failed = has_failed
        self._is_over = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Look no more; for a process that leaves in order, or says itself why it fails."""
        self._is_over.set()

    def _run(self) -> None:
        while not self._is_over.wait(INTERVAL):
            if os.getppid() != self._parent:
                self._end('error: the launcher is gone, so this process ends too; go on with --auto_resume\n')
            if self._knows_of_failure() and not self._is_over.wait(GRACE):
                self._end('')

    def _knows_of_failure(self) -> bool:
        try:
            return self._has_failed()
        except RuntimeError:  # who kept the record is gone
            return True

    def _end(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
        for worker in multiprocessing.active_children():
            worker.kill()
        os._exit(LOST)
