"""What a method of this package restores from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.compare.reading import Frame
from spikereveal_plugin.exposure import Exposure


@dataclass(frozen=True)
class Shot:
    """One exposure.

    Args:
        blur: the photo, (H, W, 3) RGB in [0, 1].
        spikes: (T, h, w).
        exposure: the readouts of the photo.
        instants: the readouts that are wanted.
        photos: the photos around it in its sequence, itself in the middle; only as many as were asked for.
    """

    blur: Frame
    spikes: npt.NDArray[np.bool_]
    exposure: Exposure
    instants: tuple[int, ...]
    photos: tuple[Frame, ...] = ()
