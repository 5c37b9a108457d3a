"""Histograms as pictures."""

from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


def histogram(values: npt.NDArray[Any], label: str, height: int = 400, width: int = 640) -> Image:
    """Draw how often values occur, on a logarithmic axis.

    Args:
        values: numbers of any shape, at least one.
        label: of the horizontal axis.
        height: of the picture.
        width: of the picture.

    Returns:
        (height, width, 3) RGB.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  (heavy)
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width / 100, height / 100), dpi=100, layout='tight')
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.hist(values.ravel(), bins=64, log=True, color='tab:blue')
    axes.axvline(float(values.mean()), color='tab:red', label=f'mean {float(values.mean()):.4f}')
    axes.set_xlabel(label)
    axes.set_ylabel('pixels')
    axes.legend()
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
