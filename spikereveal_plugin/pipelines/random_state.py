"""The state of every global random generator, in a form that a training state may hold."""

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Python's, NumPy's, PyTorch's and each CUDA device's state, as tensors, numbers and text."""
    name, keys, *rest = np.random.get_state(legacy=True)
    return {
        'python': random.getstate(),
        'numpy': (name, torch.from_numpy(np.asarray(keys, np.int64)), *rest),
        'torch': torch.get_rng_state(),
        'cuda': torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Take back a `random_state`; CUDA devices that were not there then, or are not now, are left as they are."""
    version, words, gauss = state['python']
    random.setstate((version, tuple(words), gauss))
    name, keys, *rest = state['numpy']
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state['torch'])
    for device in range(min(len(state['cuda']), torch.cuda.device_count())):
        torch.cuda.set_rng_state(state['cuda'][device], device)
