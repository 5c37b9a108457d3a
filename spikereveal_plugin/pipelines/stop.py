"""Stopping a run from outside: the first signal asks, a second one ends."""

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from spikereveal_plugin.errors import SpikeRevealError

SIGNALS = (signal.SIGTERM, signal.SIGINT)
LAUNCHER_GRACE = 2.0  # seconds; torchrun passes on the Ctrl+C that its processes got from the terminal already


class StoppedError(SpikeRevealError):
    """A run was asked to stop, and did."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(f'stopped by {signal.Signals(number).name} {message}')
        self.exit_code = 128 + number  # what a shell reports of a process that a signal ended


class StopRequest:
    """While entered, remembers the first SIGTERM or SIGINT in `number`; a second one ends the process at once."""

    def __init__(self) -> None:
        self.number: int = 0
        self._since = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> 'StopRequest':
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def is_asked(self) -> bool:
        """Whether a signal has come."""
        return self.number != 0

    def _ask(self, number: int, frame: FrameType | None) -> None:
        grace = LAUNCHER_GRACE if 'TORCHELASTIC_RUN_ID' in os.environ else 0.0
        if self.number and time.monotonic() - self._since >= grace:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not self.number:
            self.number, self._since = number, time.monotonic()
