"""Brightness for display."""

from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
_WHITE = 99.5


def to_gray(rate: npt.NDArray[Any], white: float | None = None) -> Image:
    """Scale a firing rate to 8 bits.

    Args:
        rate: (h, w), 0 or more.
        white: rate that becomes white; by default the picture's own 99.5th percentile, so that dark recordings show.

    Returns:
        (h, w) uint8; all black where nothing fired.
    """
    white = white_level(rate) if white is None else white
    return np.rint(np.clip(rate / white, 0, 1) * 255).astype(np.uint8)


def white_level(rate: npt.NDArray[Any]) -> float:
    """Return the rate that is to become white, more than 0."""
    level = float(np.percentile(rate, _WHITE))
    return level if level > 0 else max(float(rate.max()), 1e-6)
