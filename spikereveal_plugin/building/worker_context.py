"""How worker processes start."""

import multiprocessing
from typing import Any


def worker_context() -> Any:
    """Return how workers start: from a server that imports all once and runs no thread whose locks they inherit."""
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['spikereveal_plugin'])
    return context
