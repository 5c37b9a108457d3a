"""Sizes of spike sensors, (height, width), that are met in practice."""

from typing import Final

SPIKE_CAMERAS: Final = ((250, 400), (1000, 1000), (180, 320), (250, 250))
"""Cameras, and the simulations of the published data sets."""

KNOWN_SENSORS: Final = (
    *SPIKE_CAMERAS,
    *((400, 250), (500, 800), (720, 1280), (360, 640), (480, 640), (120, 160), (128, 128), (240, 320), (256, 256)),
    *((400, 400), (512, 512), (600, 800), (480, 848), (120, 212)),
)
"""These and the usual sizes of simulations."""
