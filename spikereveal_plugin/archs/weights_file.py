"""Reading a file of weights, whatever bytes it holds."""

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from spikereveal_plugin.errors import SpikeDataError

# What torch.load raises on bytes of another kind: it gives its own error for few of them.
_NOT_WEIGHTS = (
    *(pickle.UnpicklingError, struct.error, ArithmeticError, AssertionError, AttributeError, EOFError, LookupError),
    *(OSError, RuntimeError, TypeError, ValueError),
)


def read_weights_file(path: Path) -> Mapping[str, Any]:
    """Return the dictionary that a file holds, on the CPU; nothing but tensors and plain containers is read.

    Raises:
        SpikeDataError: `path` is no file, or holds no dictionary that PyTorch wrote.
    """
    if not path.is_file():
        raise SpikeDataError(f'{path}: no such file; expected a .pth file')
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except _NOT_WEIGHTS as error:
        raise SpikeDataError(f'{path}: not a file of PyTorch weights ({type(error).__name__})') from error
    if not isinstance(content, Mapping):
        raise SpikeDataError(f'{path}: expected a dictionary of weights, found {type(content).__name__}')
    return content
