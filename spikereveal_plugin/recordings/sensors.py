"""Sizes of spike sensors, (height, width), that are met in practice, and rows that hold more columns than pixels."""

from typing import Final

from spikereveal_plugin.formats.vidar import are_whole_readouts

SPIKE_CAMERAS: Final = ((250, 400), (1000, 1000), (180, 320), (250, 250))
"""Cameras, and the simulations of the published data sets."""

STORED_WIDTHS: Final = {(250, 400): 416, (1000, 1000): 1024}
"""Columns of a row in the files of some cameras, of which the first ones are pixels."""

KNOWN_SENSORS: Final = (
    *SPIKE_CAMERAS,
    *((height, stored) for (height, _), stored in STORED_WIDTHS.items()),
    *((400, 250), (500, 800), (720, 1280), (360, 640), (480, 640), (120, 160), (128, 128), (240, 320), (256, 256)),
    *((400, 400), (512, 512), (600, 800), (480, 848), (120, 212)),
)
"""These, as they are stored too, and the usual sizes of simulations."""


def stored_width(num_bytes: int, height: int, width: int) -> int:
    """Return the columns of a row in a file of readouts: more than `width` where only that fills the file.

    Args:
        num_bytes: of all readouts.
        height: the sensor's rows.
        width: the sensor's columns.
    """
    wider = STORED_WIDTHS.get((height, width), width)
    if are_whole_readouts(num_bytes, height, wider) and not are_whole_readouts(num_bytes, height, width):
        return wider
    return width


def pixels_of_stored(height: int, stored: int) -> int:
    """Return how many columns of a row in a file are pixels, by the cameras that are known."""
    return next((w for (h, w), wider in STORED_WIDTHS.items() if (h, wider) == (height, stored)), stored)


def fills(num_bytes: int, height: int, width: int) -> bool:
    """Say whether bytes are whole readouts of a sensor, in one of the ways in which its camera stores rows."""
    return are_whole_readouts(num_bytes, height, stored_width(num_bytes, height, width))
