"""`Deblurrer`: arrays in, sharp frames out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spikereveal_plugin.defaults import NUM_FRAMES, SHORT_WINDOW
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.inference.checks import checked_blur, checked_stream
from spikereveal_plugin.inference.instants import spread
from spikereveal_plugin.inference.pretrained import NetworkOptions
from spikereveal_plugin.restorers.checks import check_orientation
from spikereveal_plugin.restorers.light import LightOptions
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.restorers.sdm import SdmOptions
from spikereveal_plugin.shot import Shot

Frame = npt.NDArray[np.float32]


class Deblurrer:
    """Recover sharp frames inside the exposure of a blurry photo from the spikes recorded meanwhile.

        >>> deblur = Deblurrer.from_pretrained('ldn-light-labels')
        >>> frames = deblur(blur, spikes, [20, 68, 116], exposure=Exposure(20, 97))

    Args:
        restorer: what makes the frames; `from_pretrained` and `physics` make one.
    """

    def __init__(self, restorer: Restorer) -> None:
        self.restorer = restorer

    @classmethod
    def from_pretrained(  # noqa: PLR0913  (fields of `NetworkOptions`)
        cls,
        name_or_file: str | Path,
        *,
        density: float | Literal['auto'] | None = None,
        engine: str = 'auto',
        tile: int | None = None,
        then: str | None = None,
        device: str = 'cpu',
    ) -> 'Deblurrer':
        """Load a student.

        Args:
            name_or_file: a name that `spikereveal weights list` shows, or a `.pth` file of this package or BasicSR.
            density: as in `NetworkOptions`, of which this and the next two are fields.
            engine: how to compute; all ways give the same frames up to rounding.
            tile: side of the tiles that a large image is cut into.
            then: as in `NetworkOptions`.
            device: `cpu`, or `cuda` and the like.

        Raises:
            SpikeDataError: the file is missing or damaged, or its hash is not the registered one.
            OptionError: a name or an option is unknown, or the network does not deblur by itself.
            EnvironmentProblemError: this machine lacks what the engine needs.
        """
        options = NetworkOptions(weights=str(name_or_file), density=density, engine=engine, tile=tile, then=then)
        try:
            place = torch.device(device)
        except RuntimeError as error:
            raise OptionError(f'device {device!r}: {str(error).splitlines()[0]}') from None
        if place.type == 'cuda' and not torch.cuda.is_available():
            raise OptionError(f'device {device!r}: PyTorch sees no GPU here; use cpu')
        return cls(options.build(place))

    @classmethod
    def physics(cls, short_window: int = SHORT_WINDOW, sigma: float | None = None) -> 'Deblurrer':
        """Make the deblurrer that needs no weights: SDM, bilinear (Eq. 8).

        Args:
            short_window: as in `SdmOptions`.
            sigma: as in `SdmOptions`.

        Raises:
            OptionError: a number is out of range.
        """
        return cls(SdmOptions(short_window=short_window, sigma=sigma).build(torch.device('cpu')))

    @classmethod
    def light(cls) -> 'Deblurrer':
        """Make the deblurrer by light change (physics/light_change.py): no weights, nothing to set."""
        return cls(LightOptions().build(torch.device('cpu')))

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
        frames: int = NUM_FRAMES,
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
