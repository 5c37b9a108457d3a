"""How a scene is lit: bright, dark, at night, in strong or weak colours."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.physics.gray import GRAY_WEIGHTS

Image = npt.NDArray[np.uint8]

USUAL: Final = 0.55  # share of scenes whose photographs stay as they are exposed
MOST_LIGHTS: Final = 6  # before the dark of a night


@dataclass(frozen=True)
class Mood:
    """What becomes of a picture's colours: gain, then contrast by a power, then saturation.

    Args:
        gain: factor of light; what exceeds white is clipped, as a sensor does.
        gamma: power that values in [0, 1] are raised to.
        saturation: 0 is gray, 1 leaves colours.
        lights: lamps that shine in the scene, which its mood does not dim.
    """

    gain: float = 1.0
    gamma: float = 1.0
    saturation: float = 1.0
    lights: int = 0

    def apply(self, image: Image) -> Image:
        """Return (H, W, 3) RGB in this mood."""
        light = np.clip(image.astype(np.float32) * (self.gain / 255), 0, 1) ** self.gamma
        gray = (light @ np.array(GRAY_WEIGHTS, np.float32))[..., None]
        return np.rint(255 * np.clip(gray + self.saturation * (light - gray), 0, 1)).astype(np.uint8)


def draw_mood(generator: np.random.Generator) -> Mood:
    """Draw a mood: most scenes as they are, others bright, dark or at night; any of them with other colours."""
    saturation = generator.choice([1.0, generator.uniform(1.3, 2.5), generator.uniform(0, 0.7)], p=[0.6, 0.28, 0.12])
    kind = generator.random()
    if kind < USUAL:
        return Mood(gamma=generator.uniform(0.8, 1.3), saturation=saturation)
    if kind < 0.75:
        return Mood(gain=generator.uniform(1.2, 2.0), gamma=generator.uniform(0.5, 0.9), saturation=saturation)
    if kind < 0.92:
        return Mood(gain=generator.uniform(0.25, 0.7), gamma=generator.uniform(1, 1.4), saturation=saturation)
    return Mood(generator.uniform(0.12, 0.3), 1.2, saturation, int(generator.integers(1, MOST_LIGHTS + 1)))


def plain(height: int, width: int, generator: np.random.Generator) -> Image:
    """Return (height, width, 3) of one colour that fades a little from one side to the other."""
    colour = _colour(generator)
    ramp = np.linspace(-1, 1, height)[:, None] * generator.uniform(-1, 1) + np.linspace(
        -1, 1, width
    ) * generator.uniform(-1, 1)
    return np.rint(255 * np.clip(colour * (1 + 0.25 * ramp[..., None]), 0, 1)).astype(np.uint8)


def _colour(generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw a colour, (3,) RGB in [0, 1]: any hue, from gray to pure."""
    hue, saturation = generator.uniform(0, 360), generator.uniform(0, 1) ** 0.7
    value = np.array([[[hue, saturation, generator.uniform(0.1, 1)]]], np.float32)
    return cv2.cvtColor(value, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float64)
