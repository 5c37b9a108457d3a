"""A gray film of spikes that have no photo: TFP, made as bright as it can be."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.inference.checks import checked_stream
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate
from spikereveal_plugin.restorers.checks import check_instants, check_light

WINDOW = 41  # readouts: four times the noise of a short window is halved twice; there is no photo to deblur
_WHITE = 0.995  # of the pixels are not clipped


def preview_frames(
    stream: npt.NDArray[np.bool_], exposure: Exposure, instants: Sequence[int], window: int = WINDOW
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield (h, w, 3) gray frames in [0, 1]: the firing rate around each instant.

    The brightest 0.5 % of the rates over the exposure are white, the same in each frame: a threshold is not known
    without a photo, so brightness has no unit.

    Raises:
        SpikeDataError: no spike fell, or an instant has no whole window.
    """
    check_instants(instants, window, len(stream))
    spikes = checked_stream(stream).unsqueeze(0)
    long_rate = exposure_rate(spikes, exposure)
    check_light(long_rate)
    white = float(torch.quantile(long_rate.flatten()[:: max(1, long_rate.numel() // 2**20)], _WHITE))
    white = white or float(long_rate.max())

    def run() -> Iterator[npt.NDArray[np.float32]]:
        for instant in instants:
            rate = (firing_rate(spikes, instant, window)[0, 0] / white).clamp(0, 1).numpy()
            yield np.repeat(rate[:, :, None], 3, axis=2)

    return run()
