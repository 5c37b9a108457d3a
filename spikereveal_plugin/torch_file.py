"""The one reader of what torch.save wrote: checked byte by byte, and nothing but tensors and plain containers."""

import pickle
import re
import struct
import zipfile
from pathlib import Path
from typing import Any, Final

import torch

from spikereveal_plugin.errors import SpikeDataError

# What torch.load raises on bytes of another kind: it gives its own error for few of them.
_NOT_TORCH: Final = (
    *(pickle.UnpicklingError, struct.error, ArithmeticError, AssertionError, AttributeError, EOFError, LookupError),
    *(OSError, RuntimeError, TypeError, ValueError),
)
_LOOKS_LIKE: Final = {  # what people have in place of weights, by its first bytes, with the cure
    b'version https://git-lfs': 'a pointer of Git LFS, not the file itself; fetch it: git lfs pull',
    b'<!doctype html': 'a web page, such as the one before a download; download the file itself',
    b'<html': 'a web page, such as the one before a download; download the file itself',
    b'\x93numpy': 'an array of NumPy, not weights of PyTorch',
    b'\x1f\x8b': 'compressed by gzip; unpack it: gunzip',
}


def read_torch_file(path: Path) -> Any:
    """Return what a file holds, on the CPU.

    PyTorch does not look at the checksums of its own files: a flipped bit would be loaded as a weight. Here each part
    is compared with its CRC-32 first.

    Raises:
        SpikeDataError: there is no file, a part of it is damaged, or it holds something else, which is said.
    """
    if not path.is_file():
        raise SpikeDataError(f'{path}: no such file; expected a .pth file')
    _refuse_others(path)
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if damaged := archive.testzip():
                    raise SpikeDataError(f'{path}: damaged: {damaged} does not have its checksum; take a whole copy')
        return torch.load(path, map_location='cpu', weights_only=True)
    except SpikeDataError:
        raise
    except pickle.UnpicklingError as error:
        found = re.search(r'GLOBAL (\w+(?:\.\w+)+)', str(error))  # a module and a name in it
        if found is None:
            raise SpikeDataError(f'{path}: not a file of PyTorch weights (UnpicklingError)') from error
        raise SpikeDataError(
            f'{path}: holds {found[1]}, not tensors alone, and is not read, since it could run code; where it '
            'comes from, save `model.state_dict()`'
        ) from error
    except (*_NOT_TORCH, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError) as error:
        raise SpikeDataError(f'{path}: not a file of PyTorch weights ({type(error).__name__})') from error


def _refuse_others(path: Path) -> None:
    with path.open('rb') as file:
        head = file.read(64)
    if not head:
        raise SpikeDataError(f'{path}: not a file of PyTorch weights: it is empty; take a whole copy')
    for begin, what in _LOOKS_LIKE.items():
        if head.lstrip().lower().startswith(begin):
            raise SpikeDataError(f'{path}: not a file of PyTorch weights but {what}')
