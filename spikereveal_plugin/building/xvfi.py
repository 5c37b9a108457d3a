"""Frames between two frames by XVFI, with a checkpoint of its authors: how the published data set was made."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from spikereveal_plugin.building.xvfi_network import XvfiNetwork, convert
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.torch_file import read_torch_file

Image = npt.NDArray[np.uint8]
FloatImage = npt.NDArray[np.float32]
LEVELS: Final = 5
"""S, as the released command has it for 1280 x 720"""


class XvfiInterpolator:
    """Interpolate with XVFI-Net; frames are rounded to 8 bits, as the released script saves them.

    Args:
        weights: the authors' checkpoint (X4K1000FPS, module scale 4).
        levels: the lowest level of the flows; sides are grown to multiples of 16 * 2**levels with mid-gray.

    Raises:
        SpikeDataError: the file is missing or damaged, or is no such checkpoint.
    """

    def __init__(self, weights: Path, levels: int = LEVELS) -> None:
        self._network = XvfiNetwork(levels).eval().requires_grad_(False)
        self._network.load_state_dict(load_weights(weights))

    def __call__(self, first: Image, second: Image, steps: int) -> Iterator[FloatImage]:
        """Yield `steps` frames from `first` on; see `interpolate.Interpolator`."""
        yield first.astype(np.float32)
        height, width = first.shape[:2]
        ends = (self._padded(first), self._padded(second)) if steps > 1 else None
        for step in range(1, steps):
            if ends is None:
                return
            with torch.inference_mode():
                frame = self._network(ends, torch.tensor([step / steps]))[0, :, :height, :width]
            levels = ((frame + 1) / 2).clamp(0, 1).mul(255).round()
            yield np.ascontiguousarray(levels.flip(0).permute(1, 2, 0).numpy())

    def _padded(self, image: Image) -> Tensor:
        """(1, 3, H, W), BGR in [-1, 1], grown to the right and below by 0."""
        tensor = torch.from_numpy(np.ascontiguousarray(image[:, :, ::-1])).permute(2, 0, 1)[None].float()
        rows, columns = (-side % self._network.multiple for side in image.shape[:2])
        return F.pad((tensor / 255 - 0.5) * 2, (0, columns, 0, rows))


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read the parameters of `XvfiNetwork` from the authors' checkpoint.

    Raises:
        SpikeDataError: the file is missing or damaged, or is no such checkpoint.
    """
    content = read_torch_file(path)
    state: Any = content.get('state_dict_Model', content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise SpikeDataError(f'{path}: no checkpoint of XVFI; expected one with state_dict_Model')
    try:
        converted = convert({str(name).removeprefix('module.'): value for name, value in state.items()})
    except ValueError as error:
        raise SpikeDataError(f'{path}: {error}') from None
    expected = XvfiNetwork().state_dict()
    differing = sorted(converted.keys() ^ expected.keys())
    differing += [name for name in converted.keys() & expected.keys() if converted[name].shape != expected[name].shape]
    if differing:
        raise SpikeDataError(
            f'{path}: no checkpoint of XVFI for X4K1000FPS (module scale 4): {differing[0]} and {len(differing) - 1} '
            'other parameters differ'
        )
    return converted


def identity(weights: Path, levels: int = LEVELS) -> str:
    """What frames depend on, for a data set's manifest.

    Raises:
        SpikeDataError: there is no such file.
    """
    if not weights.is_file():
        raise SpikeDataError(f'{weights}: no such file; expected a checkpoint of XVFI')
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    return f'xvfi, S {levels}, padded with mid-gray, weights {digest[:16]}'
