"""Contact sheets: labelled pictures side by side."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically

Image = npt.NDArray[np.uint8]
_STRIP_COLOUR = 32
_GAP_COLOUR = 16
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_HEIGHT = 22  # pixels of a capital letter at scale 1
_ASCII_ONLY = str.maketrans({'–': '-', '—': '-', '×': 'x', 'θ': 'theta', '…': '...'})  # noqa: RUF001  (cv2 draws ASCII)


def contact_sheet(tiles: Sequence[tuple[str, npt.NDArray[Any]]], columns: int | None = None) -> Image:
    """Lay pictures out in a grid, each below a dark strip with its label.

    All tiles take the size of the largest; smaller ones, such as the spike camera's, are scaled by nearest neighbour,
    so that their pixels stay visible.

    Args:
        tiles: label, and (H, W, 3) RGB or (h, w) gray, uint8.
        columns: tiles in a row; by default about as many as rows.

    Returns:
        The sheet, RGB.

    Raises:
        ValueError: there is no tile, `columns` is below 1, or a tile is of another form.
    """
    if not tiles:
        raise ValueError('contact sheet: no tile was given')
    columns = math.ceil(math.sqrt(len(tiles))) if columns is None else min(columns, len(tiles))
    if columns < 1:
        raise ValueError(f'contact sheet: {columns} columns, expected at least 1')
    pictures = [_as_rgb(label, picture) for label, picture in tiles]
    height, width = max((picture.shape[:2] for picture in pictures), key=math.prod)
    labels = [label for label, _ in tiles]
    cells = [
        np.vstack((_strip(label, width), _fit(picture, height, width)))
        for label, picture in zip(labels, pictures, strict=True)
    ]
    return _grid(cells, columns, gap=max(2, width // 128))


def save_png(path: Path, picture: npt.NDArray[Any]) -> None:
    """Write a picture as PNG, making its folder.

    Args:
        path: ends in `.png`.
        picture: (H, W, 3) RGB or (h, w) gray, uint8.

    Raises:
        SpikeDataError: `path` does not end in `.png`.
        ValueError: `picture` is of another form.
    """
    if path.suffix.lower() != '.png':
        raise SpikeDataError(f'{path}: expected a name that ends in .png')
    picture = _as_rgb(str(path), picture)
    written, raw = cv2.imencode('.png', picture[:, :, ::-1])
    if not written:
        raise SpikeDataError(f'{path}: OpenCV cannot encode a picture of shape {picture.shape}')
    write_atomically(path, raw.tobytes())


def _as_rgb(label: str, picture: npt.NDArray[Any]) -> Image:
    is_gray = picture.ndim == 2
    is_colour = picture.ndim == 3 and picture.shape[2] == 3
    if picture.dtype != np.uint8 or 0 in picture.shape or not (is_gray or is_colour):
        raise ValueError(f'{label!r}: expected (H, W, 3) RGB or (H, W) gray uint8, got {picture.shape} {picture.dtype}')
    return np.repeat(picture[:, :, None], 3, axis=2) if is_gray else picture


def _fit(picture: Image, height: int, width: int) -> Image:
    """Scale to the tile's size; what has other proportions is centred on black."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)
    tile = np.zeros((height, width, 3), np.uint8)
    top, left = (height - scaled.shape[0]) // 2, (width - scaled.shape[1]) // 2
    tile[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return tile


def _strip(label: str, width: int) -> Image:
    """Draw the label on a dark strip as wide as the tile; a long label is drawn smaller."""
    letters = min(64, max(11, width // 26))
    height = round(2.2 * letters)
    strip = np.full((height, width, 3), _STRIP_COLOUR, np.uint8)
    text = label.translate(_ASCII_ONLY)
    scale = letters / _FONT_HEIGHT
    thickness = max(1, round(1.4 * scale))
    margin = letters // 2
    (text_width, _), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    if text_width > width - 2 * margin:
        scale *= max(0.1, (width - 2 * margin) / text_width)
        thickness = max(1, round(1.4 * scale))
    baseline = round((height + scale * _FONT_HEIGHT) / 2)
    cv2.putText(strip, text, (margin, baseline), _FONT, scale, (240, 240, 240), thickness, cv2.LINE_AA)
    return strip


def _grid(cells: Sequence[Image], columns: int, gap: int) -> Image:
    rows = -(-len(cells) // columns)
    height, width = cells[0].shape[:2]
    shape = (rows * (height + gap) + gap, columns * (width + gap) + gap, 3)
    sheet = np.full(shape, _GAP_COLOUR, np.uint8)
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        top, left = gap + row * (height + gap), gap + column * (width + gap)
        sheet[top : top + height, left : left + width] = cell
    return sheet
