"""Seeds that depend on what a sample is, not on when it is made."""

import hashlib

import numpy as np
import torch


def stable_seed(seed: int, *names: str) -> int:
    """Return a seed in [0, 2^63) that is the same on every machine and in every order of work."""
    text = '\0'.join((str(seed), *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], 'little') >> 1


def torch_generator(seed: int, *names: str) -> torch.Generator:
    """Return a CPU generator for the sample that `names` names."""
    return torch.Generator().manual_seed(stable_seed(seed, *names))


def numpy_generator(seed: int, *names: str) -> np.random.Generator:
    """Return a NumPy generator for the sample that `names` names."""
    return np.random.default_rng(stable_seed(seed, *names))
