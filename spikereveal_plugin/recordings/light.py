"""The light that a spike sensor sees of a picture."""

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.srgb import srgb_to_linear

Frame = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
_STEPS_PER_LEVEL = 16
_LIGHT_OF_LEVEL = (255 * srgb_to_linear(np.linspace(0, 1, 255 * _STEPS_PER_LEVEL + 1))).astype(np.float32)


def sensor_light(frame: Frame, ratio: int = RATIO, *, linear_light: bool = False) -> npt.NDArray[np.float32]:
    """Return the light that the spike sensor sees: the gray frame in [0, 1], reduced bilinearly.

    Bilinear reduction and the weighting of channels are both linear, so reducing first gives what the authors'
    gray-then-reduce gives, at a fraction of the work.

    Args:
        frame: (H, W, 3) RGB in [0, 255], uint8 or float32.
        ratio: H and W are multiples of it.
        linear_light: undo the frame's sRGB curve first, since a sensor adds light.

    Returns:
        (H / ratio, W / ratio).
    """
    size = (frame.shape[1] // ratio, frame.shape[0] // ratio)
    radiance = undo_srgb(frame) if linear_light else frame.astype(np.float32, copy=False)
    small = cv2.resize(radiance, size, interpolation=cv2.INTER_LINEAR)
    light = gray(small.transpose(2, 0, 1) / np.float32(255))[0]
    return light.clip(0, 1)  # the weights' rounding may exceed white by one bit


def undo_srgb(frame: Frame) -> npt.NDArray[np.float32]:
    """Return the light of a frame, (H, W, 3) in [0, 255], by a table of 1/16 of a gray level."""
    level = np.rint(np.multiply(frame, _STEPS_PER_LEVEL, dtype=np.float32)).clip(0, 255 * _STEPS_PER_LEVEL)
    return _LIGHT_OF_LEVEL[level.astype(np.uint16)]
