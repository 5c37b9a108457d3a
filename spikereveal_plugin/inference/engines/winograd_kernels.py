"""Convolutions of one image by Winograd's F(6x6, 3x3): transform, multiply and transform back a few tiles at a time.

What is transformed stays in a core's second cache. Images are (H, W, C), float32; C is a multiple of 8 at the input, of
16 at the output. Tiles are numbered row by row; a call works on those from `first` to `stop`, so that threads share an
image.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from spikereveal_plugin.inference.engines.winograd_lanes import (
    LANES,
    PATCH,
    PLANES,
    ROWS,
    TILE,
    VECTORS,
    multiply_block,
    pixel_to_frame,
    tile_add,
    tile_in,
    tile_relu,
)

# of winograd_lanes.py, so that kept kernels follow it
LANES_SHA256 = '7f3960a821a7e38c985385f7b84a1b5c6dd980d41e22bd2b3519cc10f4a73943'
GROUP = 18  # tiles transformed at once; a multiple of ROWS
Array = npt.NDArray[np.float32]


class Convolution(NamedTuple):
    """A 3x3 convolution of source (H, W, C) to `parts` x `parts` pixels for each pixel, and where it goes.

    target (H, P, W, P, K) seen as (P H, P W, K) is the image; kernel is (64, C, P P K), bias (P P K,). If it `adds`,
    residual (H, W, K), which may be the target itself, is added; else what is negative becomes 0.
    """

    source: Array
    kernel: Array
    bias: Array
    target: Array
    residual: Array
    adds: bool


class LastConvolution(NamedTuple):
    """As `Convolution`, then ReLU, 2 x 2 pixels for each, and a 1x1 convolution to the frame.

    kernel is (64, C, 4 K) and bias (4 K,), the four pixels of a channel side by side; weight is (3, 4 K), each value
    four times; base and frame are (3, 2 H, 2 W).
    """

    source: Array
    kernel: Array
    bias: Array
    weight: Array
    base: Array
    frame: Array


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile at the first call, and keep the result beside this file or in the user's cache, where that can be."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba found no folder; each process compiles again
        return njit(nogil=True)(function)


@_compiled
def _multiply_group(planes: Array, kernel: Array, products: Array) -> None:
    depth, width = kernel.shape[1], kernel.shape[2]
    for plane in range(PLANES):
        for column in range(0, width, VECTORS * LANES):
            for row in range(0, planes.shape[1], ROWS):
                multiply_block(
                    planes[plane, row : row + ROWS], kernel[plane], products[plane, row : row + ROWS], column, depth
                )


@_compiled
def _transform_group(source: Array, tiles: Any, planes: Array, patch: Array) -> None:
    height, width, channels = source.shape
    across = (width + TILE - 1) // TILE
    for number in range(tiles[0], tiles[1]):
        top, left = number // across * TILE - 1, number % across * TILE - 1
        target = planes[:, number - tiles[0]]
        if top >= 0 and left >= 0 and top + PATCH <= height and left + PATCH <= width:
            inner = source[top : top + PATCH, left : left + PATCH]
            for channel in range(0, channels, LANES):
                tile_in(inner, target, channel)
        else:
            patch[:] = 0
            for y in range(max(0, -top), min(PATCH, height - top)):
                for x in range(max(0, -left), min(PATCH, width - left)):
                    patch[y, x] = source[top + y, left + x]
            for channel in range(0, channels, LANES):
                tile_in(patch, target, channel)


@_compiled
def _write_part(layer: Any, part: Any, places: Any, scratch: Array) -> None:
    """Write one of a tile's P x P parts: (products, bias) to (target, residual), both cut to the image."""
    (products, bias), (target, residual) = part, places
    down, right, channels = target.shape
    is_whole = down == TILE and right == TILE
    if layer.adds and is_whole:
        for channel in range(0, channels, LANES):
            tile_add(products, bias, residual, target, channel)
    elif layer.adds:
        scratch[:down, :right, :channels] = residual
        for channel in range(0, channels, LANES):
            tile_add(products, bias, scratch, scratch, channel)
    elif is_whole:
        for channel in range(0, channels, LANES):
            tile_relu(products, bias, target, channel)
    else:
        for channel in range(0, channels, LANES):
            tile_relu(products, bias, scratch, channel)
    if not is_whole:
        target[:] = scratch[:down, :right, :channels]


@_compiled
def _write_tile(layer: Any, products: Array, corner: Any, scratch: Array) -> None:
    """Write one tile of `Convolution`'s target."""
    height, parts, width, _, channels = layer.target.shape
    top, left = corner
    bottom, right = min(top + TILE, height), min(left + TILE, width)
    residual = layer.residual[top:bottom, left:right]
    for row in range(parts):
        for column in range(parts):
            start = (row * parts + column) * channels
            part = (products[:, start : start + channels], layer.bias[start : start + channels])
            _write_part(layer, part, (layer.target[top:bottom, row, left:right, column], residual), scratch)


@_compiled
def _room(layer: Any) -> Any:
    """Return the arrays that a call works in: planes, products, a patch, and a tile of results."""
    channels, width = layer.source.shape[2], layer.bias.size
    planes = np.zeros((PLANES, GROUP, channels), np.float32)
    products = np.empty((PLANES, GROUP, width), np.float32)
    patch, scratch = np.empty((PATCH, PATCH, channels), np.float32), np.empty((TILE, TILE, width), np.float32)
    return planes, products, patch, scratch


@_compiled
def convolve(layer: Any, first: int, stop: int) -> None:
    """Do tiles `first` to `stop` of a `Convolution`."""
    width = layer.source.shape[1]
    across = (width + TILE - 1) // TILE
    planes, products, patch, scratch = _room(layer)
    for start in range(first, stop, GROUP):
        end = min(start + GROUP, stop)
        _transform_group(layer.source, (start, end), planes, patch)
        _multiply_group(planes, layer.kernel, products)
        for number in range(start, end):
            corner = (number // across * TILE, number % across * TILE)
            _write_tile(layer, products[:, number - start], corner, scratch)


@_compiled
def convolve_to_frame(layer: Any, first: int, stop: int) -> None:
    """Do tiles `first` to `stop` of a `LastConvolution`."""
    height, width, _ = layer.source.shape
    across = (width + TILE - 1) // TILE
    planes, products, patch, scratch = _room(layer)
    for start in range(first, stop, GROUP):
        end = min(start + GROUP, stop)
        _transform_group(layer.source, (start, end), planes, patch)
        _multiply_group(planes, layer.kernel, products)
        for number in range(start, end):
            top, left = number // across * TILE, number % across * TILE
            for channel in range(0, layer.bias.size, LANES):
                tile_relu(products[:, number - start], layer.bias, scratch, channel)
            for y in range(min(TILE, height - top)):
                for x in range(min(TILE, width - left)):
                    rows, columns = slice(2 * (top + y), 2 * (top + y) + 2), slice(2 * (left + x), 2 * (left + x) + 2)
                    base, frame = layer.base[:, rows, columns], layer.frame[:, rows, columns]
                    pixel_to_frame(scratch[y, x], layer.weight, base, frame, layer.bias.size // LANES)
