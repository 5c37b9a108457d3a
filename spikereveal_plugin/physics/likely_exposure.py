"""Which run of readouts a photo resembles most: the exposure, told by the spikes themselves (from Eq. 5); numpy."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

CELL: Final = 4  # spike pixels along a side that are averaged: a single one tells a grey value by a few spikes
SHORTEST: Final = 9  # readouts of an exposure that spikes can tell from noise


@dataclass(frozen=True)
class LikelyExposure:
    """The run of readouts whose firing rate correlates best with the photo's gray, and how well runs correlate."""

    first: int
    length: int
    correlation: float
    of_given: float
    """the correlation of the run that was compared with"""

    @property
    def is_clear(self) -> bool:
        """Whether it leaves half of what the other run leaves unexplained, or less."""
        return 1 - self.correlation**2 < (1 - self.of_given**2) / 2


def likely_exposure(
    light: npt.NDArray[np.floating[Any]], spikes: npt.NDArray[Any], given: tuple[int, int]
) -> LikelyExposure | None:
    """Seek the exposure among all runs of readouts.

    gray(B) is proportional to the firing rate over the exposure (Eq. 5), so over another run the two correlate less
    where something moved. All runs are compared at once: their correlations follow from the inner products of the
    readouts with each other and with the photo.

    Args:
        light: (h, w), the photo's gray on the sensor's grid.
        spikes: (T, h, w), bool or 0 and 1.
        given: (first, length) of the run to compare with.

    Returns:
        None where nothing can be told: a sensor or a stream that is too small, or a photo without contrast.
    """
    height, width = (side // CELL for side in light.shape)
    if min(height, width) < 2 or len(spikes) < SHORTEST:
        return None
    readouts = _cells(spikes, height, width)
    photo = _cells(light[None], height, width)[0]
    if (size := float(np.linalg.norm(photo))) == 0:
        return None
    along = np.concatenate(([0.0], np.cumsum(readouts @ photo)))
    powers = np.zeros((len(spikes) + 1, len(spikes) + 1))
    powers[1:, 1:] = (readouts @ readouts.T).cumsum(0).cumsum(1)
    own = np.diag(powers)
    power = own[None, :] - powers - powers.T + own[:, None]  # [first, stop]: of the sum of the run's readouts
    first, stop = np.indices(power.shape)
    is_run = (stop - first >= SHORTEST) & (power > 0)
    scores = np.full(power.shape, -1.0)
    np.divide(along[None, :] - along[:, None], size * np.sqrt(np.maximum(power, 0)), out=scores, where=is_run)
    best = np.unravel_index(int(scores.argmax()), scores.shape)
    if scores[best] <= 0:
        return None
    begin, length = given
    return LikelyExposure(
        int(best[0]), int(best[1] - best[0]), float(scores[best]), float(scores[begin, begin + length])
    )


def _cells(planes: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[np.float64]:
    """(N, height * width): means of cells, less each plane's mean."""
    cut = planes[:, : CELL * height, : CELL * width].reshape(len(planes), height, CELL, width, CELL)
    means = cut.mean(axis=(2, 4), dtype=np.float32).reshape(len(planes), -1).astype(np.float64)
    return means - means.mean(axis=1, keepdims=True)
