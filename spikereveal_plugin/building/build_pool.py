"""Make samples by worker processes, with a progress bar; none outlives the process that started it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

import cv2
import torch
from tqdm import tqdm

from spikereveal_plugin.building.worker_context import worker_context
from spikereveal_plugin.errors import SpikeDataError

Task = TypeVar('Task')
Work = Callable[[Task], Iterator[None]]
"""Do a task, yielding each time that a sample is finished; to be pickled where there are several workers."""

_POLL_SECONDS = 0.2
_worker: dict[str, Any] = {}


def run_tasks(work: Work[Task], tasks: Sequence[Task], workers: int, *, total: int, finished: int = 0) -> None:
    """Do every task; the first error ends all of them.

    Each process computes on one thread, so that results do not depend on the number of cores.

    Args:
        work: what to do with a task.
        tasks: in the order to start them.
        workers: processes; 1 works in this one.
        total: samples that the bar counts up to.
        finished: samples that an earlier run made.

    Raises:
        SpikeDataError: a worker was killed.
    """
    with tqdm(total=total, initial=finished, unit='exposure', disable=None) as progress:
        if min(workers, len(tasks)) > 1:
            _run_in_workers(work, tasks, workers, progress)
            return
        with single_threaded():
            for task in tasks:
                for _ in work(task):
                    progress.update()


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep OpenCV and torch to one thread inside the block."""
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])


def _run_in_workers(work: Work[Task], tasks: Sequence[Task], workers: int, progress: 'tqdm[Any]') -> None:
    context = worker_context()
    counter = context.Value('q', 0)
    reached = 0
    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(min(workers, len(tasks)), context, _start_worker, (work, counter))
    try:
        pending = {executor.submit(_run_task, task) for task in tasks}
        while pending:
            done, pending = wait(pending, _POLL_SECONDS, FIRST_EXCEPTION)
            reached, shown = counter.value, reached
            progress.update(reached - shown)
            for future in done:
                future.result()
    except BaseException as error:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()  # what is finished is on the disk
        if isinstance(error, BrokenProcessPool):
            raise SpikeDataError(
                'a worker process was killed, probably for want of memory; give the same command again, with fewer '
                '--workers'
            ) from error
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _start_worker(work: Work[Any], counter: Any) -> None:
    """Prepare a worker: one thread, interrupts left to the parent, which it does not outlive."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    _worker.update(work=work, counter=counter)


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_task(task: Any) -> None:
    for _ in _worker['work'](task):
        with _worker['counter'].get_lock():
            _worker['counter'].value += 1
