"""The same random crop, flip and transpose for a blurry image and its spikes, and which of its instants are learned."""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.recordings.sources import Crop


@dataclass(frozen=True)
class Symmetry:
    """One of the eight symmetries of a square: transpose first, then flips."""

    transpose: bool = False
    vertical: bool = False
    horizontal: bool = False


def random_crop(height: int, width: int, size: int) -> Crop:
    """A square window of `size` spike pixels, uniformly placed on a sensor of height x width."""
    return Crop(random.randint(0, height - size), random.randint(0, width - size), size, size)


def random_symmetry(*, hflip: bool, rotate: bool) -> Symmetry:
    """A flip if `hflip`; any of the eight symmetries if `rotate` too (BasicSR's `use_hflip`, `use_rot`)."""
    vertical, transpose = (rotate and random.random() < 0.5 for _ in range(2))
    return Symmetry(transpose=transpose, vertical=vertical, horizontal=hflip and random.random() < 0.5)


def random_instants(instants: tuple[int, ...], count: int | None) -> tuple[int, ...]:
    """Draw `count` of the instants, or all where there are no more or `count` is None."""
    return instants if count is None or count >= len(instants) else tuple(random.sample(instants, count))


def apply(array: npt.NDArray[Any], symmetry: Symmetry, axes: tuple[int, int]) -> npt.NDArray[Any]:
    """Apply a symmetry to the (height, width) `axes` of an array; a view, no copy."""
    if symmetry.transpose:
        array = np.swapaxes(array, *axes)
    return _flip(array, symmetry, axes)


def undo(array: npt.NDArray[Any], symmetry: Symmetry, axes: tuple[int, int]) -> npt.NDArray[Any]:
    """The view of which `apply` makes `array`: what is written to it arrives turned, without a copy."""
    array = _flip(array, symmetry, axes)
    return np.swapaxes(array, *axes) if symmetry.transpose else array


def _flip(array: npt.NDArray[Any], symmetry: Symmetry, axes: tuple[int, int]) -> npt.NDArray[Any]:
    flipped = tuple(axis for axis, flip in zip(axes, (symmetry.vertical, symmetry.horizontal), strict=True) if flip)
    return np.flip(array, flipped) if flipped else array
