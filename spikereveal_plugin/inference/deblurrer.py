"""`Deblurrer`: arrays in, sharp frames out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spikereveal_plugin.archs.tapered_sdm_arch import TaperedSDM
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.inference.checks import checked_blur, checked_stream
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.inference.instants import spread
from spikereveal_plugin.inference.weights import load_student
from spikereveal_plugin.physics.density import Density
from spikereveal_plugin.restorers.checks import check_orientation
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.restorers.sdm import Sdm
from spikereveal_plugin.restorers.student import OneByOne
from spikereveal_plugin.shot import Shot

Frame = npt.NDArray[np.float32]


class Deblurrer:
    """Recover sharp frames inside the exposure of a blurry photo from the spikes recorded meanwhile.

        >>> deblur = Deblurrer.from_pretrained('ldn-plus-clips')
        >>> frames = deblur(blur, spikes, [20, 68, 116], exposure=Exposure(20, 97))

    Args:
        restorer: what makes the frames; `from_pretrained` and `physics` make one.
    """

    def __init__(self, restorer: Restorer) -> None:
        self.restorer = restorer

    @classmethod
    def from_pretrained(
        cls,
        name_or_file: str | Path,
        *,
        density: float | Literal['auto'] | None = None,
        engine: str = 'auto',
        tile: int | None = None,
        device: str = 'cpu',
    ) -> 'Deblurrer':
        """Load a student.

        Args:
            name_or_file: a name that `spikereveal weights list` shows, or a `.pth` file of this package or BasicSR.
            density: how many times denser the spikes are made before the network sees them, by adding up neighbouring
                readouts (`physics/density.py`); 1.0 leaves them as they are, `auto` makes a camera of any threshold
                look like the one of the training data. By default what the weights' card says, 1.0 for a file
                without a card.
            engine: `eager`, `winograd` (LDN on a CPU: the fastest there; its first frame ever compiles for seconds),
                `auto` (`winograd` where that can run, else `eager`; the same frames up to rounding),
                `compiled` (torch.compile: slow to start), `bf16` (CPUs and GPUs that have it), `onnx` (ONNX Runtime,
                extra `export`).
            tile: side of the tiles, in image pixels, that a large image is cut into (`eager` only); by default whole.
            device: `cpu`, or `cuda` and the like.

        Raises:
            SpikeDataError: the file is missing or damaged, or its hash is not the registered one.
            OptionError: a name or an option is unknown, or the network does not deblur by itself.
            EnvironmentProblemError: this machine lacks what the engine needs.
        """
        student = load_student(name_or_file)
        try:
            place = torch.device(device)
            wants = Density(student.card.density if density is None else density, student.card.threshold)
        except RuntimeError as error:
            raise OptionError(f'device {device!r}: {str(error).splitlines()[0]}') from None
        except ValueError as error:
            raise OptionError(str(error)) from None
        if place.type == 'cuda' and not torch.cuda.is_available():
            raise OptionError(f'device {device!r}: PyTorch sees no GPU here; use cpu')
        return cls(build_engine(engine, student.network, place, tile, wants))

    @classmethod
    def physics(cls, short_window: int = 9, sigma: float | None = None) -> 'Deblurrer':
        """Make the deblurrer that needs no weights: SDM, bilinear (Eq. 8).

        Args:
            short_window: readouts of the short rate, all of one weight, as published.
            sigma: if given, the short rate is that of a tapered window (`TaperedSDM`): a Gaussian of so many readouts,
                at the density of threshold 1. On footage 4 was best at threshold 1, 6 at 2 and 10 at 4.

        Raises:
            OptionError: a number is out of range.
        """
        try:
            return cls(Sdm(short_window) if sigma is None else OneByOne(TaperedSDM(sigma=sigma), Density('auto')))
        except ValueError as error:
            raise OptionError(str(error)) from None

    @property
    def num_spike(self) -> int:
        """Readouts that a frame needs around its instant, odd."""
        return self.restorer.capabilities.window

    def __call__(  # noqa: PLR0913  (what a person may say of one photo)
        self,
        blur: npt.NDArray[np.floating[Any]],
        spikes: npt.NDArray[Any],
        instants: Sequence[int] | None = None,
        *,
        frames: int = 7,
        exposure: Exposure | None = None,
        check: bool = True,
    ) -> Frame:
        """Return the sharp frames, (N, H, W, 3) float32 RGB, clipped to [0, 1].

        Args:
            blur: as for `frames`.
            spikes: as for `frames`.
            instants: as for `frames`; by default `frames` of them are spread over the exposure.
            frames: how many, where no instants are given.
            exposure: as for `frames`.
            check: as for `frames`.

        Raises:
            SpikeDataError: as `frames`, or so many instants do not fit in the exposure.
        """
        if instants is None:
            shot = _shot(blur, spikes, exposure)
            instants = spread(shot.exposure, frames, self.num_spike, shot.num_readouts)
        return np.stack(list(self.frames(blur, spikes, instants, exposure=exposure, check=check)))

    def frames(
        self,
        blur: npt.NDArray[np.floating[Any]],
        spikes: npt.NDArray[Any],
        instants: Sequence[int],
        *,
        exposure: Exposure | None = None,
        check: bool = True,
    ) -> Iterator[Frame]:
        """Yield the sharp frames one after another; memory does not grow with their number.

        Args:
            blur: (H, W, 3) RGB, floating, in [0, 1].
            spikes: (T, h, w), bool or 0 and 1, top row first. H / h and W / w are 4 for the published networks; other
                equal ratios are brought to it by resampling the spikes, sizes that 4 does not divide by padding.
            instants: readout indices; each needs `num_spike // 2` readouts before and after it.
            exposure: the readouts during which the photo was exposed; by default the whole stream.
            check: refuse spikes that match the photo better when flipped.

        Returns:
            An iterator over (H, W, 3) float32 frames, clipped to [0, 1], in the order of `instants`. The arguments are
            checked before it is returned.

        Raises:
            SpikeDataError: an array has another form or value, the sizes do not fit, no spike fell, the spikes look
                flipped, or an instant or the exposure leaves the stream.
        """
        shot = _shot(blur, spikes, exposure)
        restored = restore(self.restorer, shot, instants)
        if check:
            check_orientation(shot.blur, shot.long_rate)
        return map(_as_array, restored)


def _shot(blur: npt.NDArray[Any], spikes: npt.NDArray[Any], exposure: Exposure | None) -> Shot:
    image, stream = checked_blur(blur), checked_stream(spikes)
    return Shot(image, stream[None], exposure or Exposure(0, len(stream)))


def _as_array(frame: Tensor) -> Frame:
    """Return (H, W, 3) in [0, 1] of (1, 3, H, W)."""
    return np.ascontiguousarray(frame[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy())
