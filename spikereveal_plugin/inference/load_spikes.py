"""Spikes of a file as `Deblurrer` takes them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.inference.clip import read_clip
from spikereveal_plugin.recordings.image_file import image_size
from spikereveal_plugin.recordings.spike_file import SpikeLayout


def load_spikes(
    path: str | Path, photo: str | Path | tuple[int, int] | None = None, layout: SpikeLayout | None = None
) -> npt.NDArray[np.bool_]:
    """Read a spike stream, (T, h, w) bool, top row first.

        >>> spikes = load_spikes('spikes.dat', photo='photo.png')

    Args:
        path: `.dat`, `.npy` or `.npz`.
        photo: the photo's file or its (H, W): a `.dat` does not say its sensor's size, which is taken from a
            `config.yaml` beside it, else from a quarter of the photo.
        layout: what the file does not say itself, such as `SpikeLayout(250, 400, flip=False)`.

    Raises:
        SpikeDataError: the file is missing or damaged, or nothing tells its sensor's size.
    """
    size = image_size(Path(photo).absolute()) if isinstance(photo, str | Path) else photo
    return read_clip(Path(path).expanduser(), size, layout or SpikeLayout()).stream
