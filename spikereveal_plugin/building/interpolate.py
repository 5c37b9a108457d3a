"""Frames between two frames of a video, by optical flow."""

from collections.abc import Iterator
from typing import Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import OptionError

Image = npt.NDArray[np.uint8]
FloatImage = npt.NDArray[np.float32]
Flow = npt.NDArray[np.float32]
Preset = Literal['ultrafast', 'fast', 'medium']

_PRESETS = {
    'ultrafast': cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    'fast': cv2.DISOPTICAL_FLOW_PRESET_FAST,
    'medium': cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


class Interpolator(Protocol):
    """What the builder of a data set asks of an interpolation method."""

    def __call__(self, first: Image, second: Image, steps: int) -> Iterator[FloatImage]:
        """Yield `steps` frames (H, W, 3) RGB in [0, 255] at times 0, 1/steps, ..., (steps - 1)/steps.

        Args:
            first: (H, W, 3) RGB at time 0; it is the first frame yielded.
            second: (H, W, 3) RGB at time 1; it is not yielded.
            steps: how many frames, at least one.
        """


class DisInterpolator:
    """Warp both frames along dense-inverse-search optical flow and blend them.

    Args:
        preset: effort of the flow; 'fast' costs a fifth of 'medium' and 0.4 dB.
    """

    def __init__(self, preset: Preset = 'medium') -> None:
        if preset not in _PRESETS:
            raise OptionError(f'flow preset {preset!r} is unknown; expected one of {sorted(_PRESETS)}')
        self._flow = cv2.DISOpticalFlow.create(_PRESETS[preset])

    def __call__(self, first: Image, second: Image, steps: int) -> Iterator[FloatImage]:
        """Yield `steps` frames from `first` on; see `Interpolator`."""
        yield first.astype(np.float32)
        if steps == 1:
            return
        gray_first, gray_second = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second))
        forward: Flow = self._flow.calc(gray_first, gray_second, None)
        backward: Flow = self._flow.calc(gray_second, gray_first, None)
        grid = _pixel_grid(*gray_first.shape)
        for step in range(1, steps):
            time = step / steps
            to_first, to_second = flows_to_ends(forward, backward, time)
            yield cv2.addWeighted(
                _fetch(first, grid + to_first), 1 - time, _fetch(second, grid + to_second), time, 0, dtype=cv2.CV_32F
            )


def flows_to_ends(forward: Flow, backward: Flow, time: float) -> tuple[Flow, Flow]:
    """Approximate the flows from an intermediate time to both frames by mixing the flows between the frames.

    F_t0 = -(1 - t) t F_01 + t^2 F_10 and F_t1 = (1 - t)^2 F_01 - t (1 - t) F_10, exact for constant motion.

    Args:
        forward: (H, W, 2) displacement in pixels, x before y, from time 0 to time 1.
        backward: (H, W, 2), from time 1 to time 0.
        time: t in [0, 1].

    Returns:
        (H, W, 2) to time 0 and (H, W, 2) to time 1.
    """
    rest = 1 - time
    to_first = cv2.addWeighted(forward, -rest * time, backward, time**2, 0)
    to_second = cv2.addWeighted(forward, rest**2, backward, -time * rest, 0)
    return to_first, to_second


def _pixel_grid(height: int, width: int) -> Flow:
    """Coordinates of each pixel, (H, W, 2), x before y."""
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack((columns, rows), axis=-1)


def _fetch(image: Image, positions: Flow) -> Image:
    return cv2.remap(image, positions, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
