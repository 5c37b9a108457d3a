"""Frames brought to a size that the spike sensor's grid divides."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError

Image = npt.NDArray[np.uint8]
MULTIPLE = 16  # four times the ratio of image to sensor: the networks halve the sensor's grid twice


@dataclass(frozen=True)
class Framing:
    """Resize to (`resized_height`, `resized_width`), then cut the middle `height` x `width`."""

    resized_height: int
    resized_width: int
    height: int
    width: int

    @property
    def is_cropping(self) -> bool:
        """Whether pixels are lost at the borders."""
        return (self.height, self.width) != (self.resized_height, self.resized_width)

    def __call__(self, frame: Image) -> Image:
        """Return (height, width, 3) from a frame of the size this was made for."""
        if frame.shape[:2] != (self.resized_height, self.resized_width):
            frame = cv2.resize(frame, (self.resized_width, self.resized_height), interpolation=cv2.INTER_AREA)
        top, left = (self.resized_height - self.height) // 2, (self.resized_width - self.width) // 2
        return np.ascontiguousarray(frame[top : top + self.height, left : left + self.width])


def framing_for(
    height: int, width: int, resize: tuple[int, int] | None, place: str, multiple: int = MULTIPLE
) -> Framing:
    """Plan how a frame of `height` x `width` becomes one whose sides are multiples of `multiple`.

    Args:
        height: of the frames as stored.
        width: of the frames as stored.
        resize: (height, width) to resize to first, or None.
        place: what to call the footage in an error.
        multiple: four times the ratio of image to sensor.

    Raises:
        SpikeDataError: fewer pixels than `multiple` would remain.
    """
    target_height, target_width = resize or (height, width)
    if min(target_height, target_width) < multiple:
        raise SpikeDataError(
            f'{place}: frames of {target_height}x{target_width} pixels; expected at least {multiple}x{multiple}'
        )
    return Framing(
        target_height, target_width, target_height // multiple * multiple, target_width // multiple * multiple
    )
