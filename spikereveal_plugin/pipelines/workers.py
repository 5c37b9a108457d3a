"""Worker processes of the training loader: signals are not theirs, and none outlives the run."""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from spikereveal_plugin.errors import SpikeRevealError


class WorkerLostError(SpikeRevealError):
    """A loader's worker was killed."""


def leave_signals_to_the_run(worker: int) -> None:
    """Ctrl+C and a cluster's SIGTERM reach the workers too; the run decides when they end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def ending_workers() -> Iterator[None]:
    """End the workers that were started inside the block; one that was killed becomes a `WorkerLostError`."""
    before = set(multiprocessing.active_children())
    try:
        yield
    except RuntimeError as error:
        if 'DataLoader worker' not in str(error) or isinstance(error, SpikeRevealError):
            raise
        raise WorkerLostError(
            'datasets.train: a process that loads samples was killed, probably for want of memory; set '
            'num_worker_per_gpu lower, and go on from the last checkpoint with --auto_resume'
        ) from error
    finally:
        if left := set(multiprocessing.active_children()) - before:
            handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's raises for each that ends early
            for process in left:
                process.kill()
                process.join()
            signal.signal(signal.SIGCHLD, handler or signal.SIG_DFL)
