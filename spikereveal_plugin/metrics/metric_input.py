"""What every metric does with its arguments first."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import OptionError, SpikeDataError

Image8 = npt.NDArray[np.uint8]
ImageFloat = npt.NDArray[np.floating[Any]]

OPTIONS = ('better', 'img_float', 'img2_float')  # what every metric accepts beside its own options


def rgb_float(where: str, img: Image8, img_float: ImageFloat | None) -> npt.NDArray[np.float32]:
    """Return an image as a metric wants it, (H, W, 3) RGB float32 in [0, 1].

    Args:
        where: the metric's name, for errors.
        img: (H, W, 3) BGR uint8, BasicSR's form.
        img_float: (H, W, 3) RGB, the same image before rounding; preferred, and clipped to [0, 1].

    Raises:
        SpikeDataError: the image is not of this form, or a value of it is not finite.
    """
    image = img if img_float is None else img_float
    if image.ndim != 3 or image.shape[2] != 3:
        raise SpikeDataError(f'{where}: expected an image (H, W, 3), got {image.shape}')
    if img_float is not None:
        check_finite(where, img_float)
        return np.clip(img_float.astype(np.float32), 0, 1)
    if img.dtype != np.uint8:
        raise SpikeDataError(f'{where}: expected BGR uint8 in img, got {img.dtype}; pass floats as img_float')
    return np.divide(img[:, :, ::-1], 255, dtype=np.float32)


def check_finite(where: str, image: ImageFloat) -> None:
    """Raise SpikeDataError where an image holds NaN or infinity."""
    finite = np.isfinite(image)
    if not finite.all():
        raise SpikeDataError(f'{where}: {finite.size - finite.sum()} of the {finite.size} values are NaN or infinite')


def check_same_shape(where: str, image: ImageFloat, reference: ImageFloat) -> None:
    """Raise SpikeDataError where two images differ in size."""
    if image.shape != reference.shape:
        raise SpikeDataError(f'{where}: images differ in size, {image.shape} and {reference.shape}')


def refuse_unknown(where: str, unknown: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise OptionError for the first option that a metric does not know."""
    known = sorted({*known, *OPTIONS})
    for key in unknown:
        close = get_close_matches(key, known, n=1)
        hint = f'Did you mean {close[0]!r}?' if close else f'Known options: {", ".join(known)}.'
        raise OptionError(f'{where}: unknown option {key!r}. {hint}')
