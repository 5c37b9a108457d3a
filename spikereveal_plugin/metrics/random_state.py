"""Leave the generators of a training alone: a metric's network is initialised, and some metrics crop, at random."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

SEED = 123


@contextmanager
def own_random_numbers(device: torch.device) -> Iterator[None]:
    """Draw from generators seeded alike each time, and give the caller's back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng([device] if device.type == 'cuda' else []):
        torch.manual_seed(SEED)
        random.seed(SEED)
        np.random.seed(SEED)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
