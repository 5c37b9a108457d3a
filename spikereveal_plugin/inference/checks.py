"""What the arrays of a photo and its spikes must be."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.bits import checked_spikes


def checked_blur(blur: npt.NDArray[Any]) -> Tensor:
    """Return (1, 3, H, W) float32 of a photo (H, W, 3) in [0, 1], or say why it is none.

    Raises:
        SpikeDataError: another shape or type, or a value that is no number or leaves [0, 1].
    """
    blur = np.asarray(blur)
    if blur.ndim != 3 or blur.shape[2] != 3 or 0 in blur.shape:
        swapped = '; are photo and spikes swapped?' if blur.ndim == 3 and blur.dtype == np.bool_ else ''
        raise SpikeDataError(f'blur: expected (H, W, 3) RGB, got shape {blur.shape}{swapped}')
    if not np.issubdtype(blur.dtype, np.floating):
        raise SpikeDataError(f'blur: expected floating values in [0, 1], got {blur.dtype}; divide 8-bit images by 255')
    image = torch.from_numpy(np.ascontiguousarray(blur, np.float32)).permute(2, 0, 1).unsqueeze(0)
    lowest, highest = (float(value) for value in image.aminmax())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise SpikeDataError('blur: the image holds NaN or infinite values; expected numbers in [0, 1]')
    if lowest < 0 or highest > 1:
        raise SpikeDataError(f'blur: expected values in [0, 1], got [{lowest:.4g}, {highest:.4g}]')
    return image


def checked_stream(spikes: npt.NDArray[Any]) -> Tensor:
    """Return (T, h, w) bool of spikes that are bool or 0 and 1, or say why they are none."""
    fired = checked_spikes(np.asarray(spikes), 'spikes')
    return torch.from_numpy(np.require(fired, requirements=['C', 'W']))  # a copy only where it must be
