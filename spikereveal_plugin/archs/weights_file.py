"""Reading a file of weights, whatever bytes it holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.torch_file import read_torch_file


def read_weights_file(path: Path) -> Mapping[str, Any]:
    """Return the dictionary that a file holds, on the CPU; nothing but tensors and plain containers is read.

    Raises:
        SpikeDataError: `path` is no file, is damaged, or holds no dictionary that PyTorch wrote.
    """
    content = read_torch_file(path)
    if not isinstance(content, Mapping):
        raise SpikeDataError(f'{path}: expected a dictionary of weights, found {type(content).__name__}')
    return content
