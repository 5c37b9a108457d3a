"""Which samples and which parts of them a reader should see."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.compare.report.table import Column, Table

Picture = npt.NDArray[np.uint8]  # (H, W, 3) RGB


def worst_sample(table: Table, method: str, column: Column) -> str | None:
    """Return a method's lowest-ranked sample of a column, or None where it was not scored."""
    cell = table.cells.get((method, column))
    if cell is None:
        return None
    return (min if column.better == 'higher' else max)(cell.samples, key=cell.samples.__getitem__)


def page_samples(table: Table, column: Column, count: int) -> dict[str, str]:
    """Choose up to `count` samples of a column's set, with the reason for each.

    First the one on which methods differ the most, then each method's worst, the best method's first; what is left is
    spread over the set in its order.
    """
    ranking = table.ranking(column)
    if not ranking:
        return {}
    scores = {method: table.cells[method, column].samples for method in ranking}
    keys = list(scores[ranking[0]])
    chosen: dict[str, str] = {}
    if len(ranking) > 1:
        chosen[max(keys, key=lambda key: _spread([scores[m][key] for m in ranking]))] = 'methods differ most here'
    for method in ranking:
        key = worst_sample(table, method, column)
        if key is not None:
            reason = f'{method} is worst here'
            chosen[key] = f'{chosen[key]}; {reason}' if key in chosen else reason
    others = [key for key in keys if key not in chosen]
    left = max(0, min(count - len(chosen), len(others)))
    for place in range(left):
        chosen[others[place * len(others) // left]] = 'one of the rest'
    return dict(list(chosen.items())[:count])


def _spread(values: Sequence[float]) -> float:
    low, high = min(values), max(values)
    return 0.0 if low == high else high - low  # two infinite scores differ by nothing


def crop_side(height: int, width: int) -> int:
    """Return the side of a crop: a fifth of the image, from 32 to 128 pixels."""
    return min(height, width, max(32, min(128, min(height, width) // 5)))


def largest(error: npt.NDArray[np.float32], side: int, taken: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return (top, left) of the window with the largest sum of `error` (H, W), away from one that is `taken`."""
    sums = cv2.boxFilter(error, -1, (side, side), anchor=(0, 0), normalize=True, borderType=cv2.BORDER_REFLECT)
    valid = sums[: error.shape[0] - side + 1, : error.shape[1] - side + 1].copy()
    if taken is not None:
        top, left = taken
        beside = np.ones(valid.shape, np.bool_)
        beside[max(0, top - side + 1) : top + side, max(0, left - side + 1) : left + side] = False
        if beside.any():
            valid[~beside] = -1
    row, column = np.unravel_index(int(valid.argmax()), valid.shape)
    return int(row), int(column)


def crops(pictures: Mapping[str, Picture], methods: Sequence[str], best: str, sharp: str) -> list[dict[str, Any]]:
    """Cut equal windows out of pictures of one size: where methods differ most, and where the best errs most.

    Args:
        pictures: by label; may hold more than methods.
        methods: labels whose difference counts.
        best: the method whose errors are looked for.
        sharp: label of the sharp picture; where it is absent there is no second window.

    Returns:
        Sections with `title` and `pictures` by label, in the order of `pictures`.
    """
    height, width = next(iter(pictures.values())).shape[:2]
    side = crop_side(height, width)
    windows: list[dict[str, Any]] = []
    taken: tuple[int, int] | None = None
    stack = np.stack([pictures[method] for method in methods])
    if len(methods) > 1:
        taken = largest((stack.max(0) - stack.min(0)).mean(2, dtype=np.float32), side)
        windows.append(_cut('Where the methods differ most', pictures, taken, side))
    if sharp in pictures and best in pictures:
        error = np.abs(pictures[best].astype(np.float32) - pictures[sharp]).mean(2)
        windows.append(_cut(f'Where {best} errs most', pictures, largest(error, side, taken), side))
    return windows


def _cut(title: str, pictures: Mapping[str, Picture], corner: tuple[int, int], side: int) -> dict[str, Any]:
    top, left = corner
    place = f'{title}: {side} x {side} pixels at row {top}, column {left}'
    return {'title': place, 'pictures': {k: p[top : top + side, left : left + side] for k, p in pictures.items()}}
