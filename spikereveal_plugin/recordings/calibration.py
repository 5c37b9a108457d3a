"""How the colour camera's pixels and clock relate to the spike camera's: a small JSON file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.text_file import read_json

CALIBRATION_FORMAT: Final = 1
Matrix = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]
Pixel = TypeVar('Pixel', np.uint8, np.float32)


@dataclass(frozen=True)
class Calibration:
    """What `spikereveal data align` found.

    Args:
        homography: 3 x 3 rows, from image pixels to spike pixels; x before y, a pixel's centre has whole coordinates.
        image_size: (height, width) of the images.
        sensor_size: (height, width) of the spikes.
        first: first readout of the exposure.
        length: readouts of the exposure.
        residual: median distance, in spike pixels, that is left between image and spikes.
        pairs: recordings it was estimated from.

    Raises:
        SpikeDataError: a value is impossible.
    """

    homography: tuple[tuple[float, ...], ...]
    image_size: tuple[int, int]
    sensor_size: tuple[int, int]
    first: int
    length: int
    residual: float
    pairs: int = 1

    def __post_init__(self) -> None:
        if len(self.homography) != 3 or any(len(row) != 3 for row in self.homography):
            raise SpikeDataError('calibration: homography must be 3 rows of 3 numbers')
        if not np.isfinite(self.matrix).all() or abs(np.linalg.det(self.matrix)) < 1e-12:
            raise SpikeDataError('calibration: homography must be finite and invertible')
        if min(*self.image_size, *self.sensor_size, self.length, self.pairs) < 1 or self.first < 0:
            raise SpikeDataError('calibration: sizes, length and pairs must be 1 or more, first 0 or more')
        if not 0 <= self.residual < float('inf'):
            raise SpikeDataError(f'calibration: residual must be 0 or more pixels, got {self.residual}')

    @property
    def matrix(self) -> Matrix:
        """The homography as (3, 3) float64."""
        return np.array(self.homography, np.float64)


def save_calibration(path: Path, calibration: Calibration) -> None:
    """Write it, to be read by `load_calibration`."""
    content = {'format': CALIBRATION_FORMAT, **asdict(calibration)}
    write_atomically(path, (json.dumps(content, indent=2) + '\n').encode())


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises:
        SpikeDataError: it is absent, no JSON, of another format, lacks a value, or holds an impossible one.
    """
    try:
        content = read_json(path)
    except SpikeDataError as error:
        raise SpikeDataError(
            f'{path}: no readable calibration ({error}); make one with: spikereveal data align'
        ) from None
    if not isinstance(content, dict) or content.pop('format', None) != CALIBRATION_FORMAT:
        raise SpikeDataError(f'{path}: not a calibration of format {CALIBRATION_FORMAT}; make it again')
    try:
        return _parse(content)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise SpikeDataError(f'{path}: {error}') from None


def _parse(content: dict[str, Any]) -> Calibration:
    if differing := content.keys() ^ set(Calibration.__dataclass_fields__):
        raise SpikeDataError(f'calibration: {", ".join(sorted(map(str, differing)))} is missing or unknown')
    whole = {name: _whole(content[name], name) for name in ('first', 'length', 'pairs')}
    sizes = {name: tuple(_whole(side, name) for side in content[name]) for name in ('image_size', 'sensor_size')}
    if any(len(size) != 2 for size in sizes.values()):
        raise SpikeDataError('calibration: sizes must be [height, width]')
    rows = tuple(tuple(float(value) for value in row) for row in content['homography'])
    return Calibration(rows, sizes['image_size'], sizes['sensor_size'], residual=float(content['residual']), **whole)  # type: ignore[arg-type]


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpikeDataError(f'calibration: {name} must hold whole numbers, found {value!r}')
    return value


def to_sensor_grid(
    image: npt.NDArray[Pixel], homography: Matrix, sensor_size: tuple[int, int], ratio: int
) -> tuple[npt.NDArray[Pixel], Image]:
    """Resample an image so that `ratio` x `ratio` of its pixels lie on each spike pixel.

    Args:
        image: (H, W, 3) RGB, of 8 bits or in [0, 1].
        homography: (3, 3) from its pixels to spike pixels.
        sensor_size: (height, width) of the spikes.
        ratio: pixels a spike pixel along each side.

    Returns:
        The image (ratio h, ratio w, 3), and a (ratio h, ratio w) uint8 mask, 255 where it was seen.
    """
    height, width = (ratio * side for side in sensor_size)
    to_fine = np.array([[ratio, 0, (ratio - 1) / 2], [0, ratio, (ratio - 1) / 2], [0, 0, 1]], np.float64)
    matrix = to_fine @ homography
    seen = cv2.warpPerspective(
        np.full(image.shape[:2], 255, np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST
    )
    warped = cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    if image.dtype == np.float32:
        warped = warped.clip(0, 1)  # OpenCV does so to whole numbers by itself
    return warped.astype(image.dtype, copy=False), seen.astype(np.uint8, copy=False)


def seen_window(seen: Image, ratio: int) -> tuple[int, int, int, int]:
    """Shrink the sensor, side by side, to a rectangle of spike pixels that the image covers whole.

    Args:
        seen: (ratio h, ratio w), 0 where the image is not.
        ratio: pixels a spike pixel along each side.

    Returns:
        (top, left, height, width) in spike pixels.

    Raises:
        SpikeDataError: less than 16 x 16 spike pixels remain.
    """
    height, width = (side // ratio for side in seen.shape)
    missing = (seen.reshape(height, ratio, width, ratio) == 0).any(axis=(1, 3))
    top, bottom, left, right = 0, height, 0, width
    while min(bottom - top, right - left) >= 16:
        window = missing[top:bottom, left:right]
        shares = (window[0].mean(), window[-1].mean(), window[:, 0].mean(), window[:, -1].mean())
        worst = int(np.argmax(shares))
        if shares[worst] == 0 and not window.any():
            return top, left, bottom - top, right - left
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    raise SpikeDataError('calibration: image and spikes share less than 16 x 16 spike pixels; is the homography right?')
