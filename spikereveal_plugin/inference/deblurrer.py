"""`Deblurrer`: arrays in, sharp frames out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spikereveal_plugin.archs import TaperedSDM
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.inference.checks import check_instants, check_light, checked_blur, checked_stream
from spikereveal_plugin.inference.engines.build import Engine, NetworkEngine, SdmEngine, build_engine
from spikereveal_plugin.inference.fit import as_float, fit_sizes
from spikereveal_plugin.inference.weights import load_student
from spikereveal_plugin.physics.density import density_kernel, normalise_density, observed_threshold
from spikereveal_plugin.physics.tfp import exposure_rate, spike_window

Density = float | Literal['auto']
Frame = npt.NDArray[np.float32]


class Deblurrer:
    """Recover sharp frames inside the exposure of a blurry photo from the spikes recorded meanwhile.

        >>> deblur = Deblurrer.from_pretrained('weights/ldn_ssdm.pth')
        >>> frames = deblur(blur, spikes, [20, 68, 116], exposure=Exposure(20, 97))

    Args:
        engine: what computes a frame; `from_pretrained` and `physics` make one.
        density: how many times denser the spikes are made before the network sees them, by adding up neighbouring
            readouts (`physics/density.py`). 1.0 leaves them as they are; `auto` takes the observed threshold over
            `trained_threshold`, so that a camera of any threshold looks like the one of the training data.
        trained_threshold: threshold of the spike camera that the network was trained on, in units of full light.

    Raises:
        OptionError: `density` or `trained_threshold` is not a positive number or `auto`.
    """

    def __init__(self, engine: Engine, *, density: Density = 1.0, trained_threshold: float = 1.0) -> None:
        is_number = isinstance(density, int | float) and 0 < density < float('inf')
        if not (density == 'auto' or is_number):
            raise OptionError(f"density {density!r}: expected 'auto' or a positive number, 1.0 for spikes as they are")
        if not 0 < trained_threshold < float('inf'):
            raise OptionError(f'trained threshold {trained_threshold}: expected a positive number')
        self.engine, self.density, self.trained_threshold = engine, density, trained_threshold

    @classmethod
    def from_pretrained(
        cls,
        name_or_file: str | Path,
        *,
        density: Density | None = None,
        engine: str = 'auto',
        tile: int | None = None,
        device: str = 'cpu',
    ) -> 'Deblurrer':
        """Load a student.

        Args:
            name_or_file: a name that `spikereveal weights list` shows, or a `.pth` file of this package or BasicSR.
            density: as for the class; by default what the weights' card says, 1.0 for a file without a card.
            engine: `eager`, `winograd` (LDN on a CPU: the fastest there; its first frame ever compiles for seconds),
                `auto` (`winograd` where that can run, else `eager`; the same frames up to rounding),
                `compiled` (torch.compile: slow to start), `bf16` (CPUs and GPUs that have it), `onnx` (ONNX Runtime,
                extra `export`).
            tile: side of the tiles, in image pixels, that a large image is cut into (`eager` only); by default whole.
            device: `cpu`, or `cuda` and the like.

        Raises:
            SpikeDataError: the file is missing or damaged, or its hash is not the registered one.
            OptionError: a name or an option is unknown, or the network is no student.
            EnvironmentProblemError: this machine lacks what the engine needs.
        """
        student = load_student(name_or_file)
        try:
            place = torch.device(device)
        except RuntimeError as error:
            raise OptionError(f'device {device!r}: {str(error).splitlines()[0]}') from None
        if place.type == 'cuda' and not torch.cuda.is_available():
            raise OptionError(f'device {device!r}: PyTorch sees no GPU here; use cpu')
        chosen = student.card.density if density is None else density
        built = build_engine(engine, student.network, place, tile)
        return cls(built, density=chosen, trained_threshold=student.card.threshold)

    @classmethod
    def physics(cls, short_window: int = 9, sigma: float | None = None) -> 'Deblurrer':
        """Make the deblurrer that needs no weights: SDM, bilinear (Eq. 8).

        Args:
            short_window: readouts of the short rate, all of one weight, as published.
            sigma: if given, the short rate is that of a tapered window (`TaperedSDM`): a Gaussian of so many readouts,
                at the density of threshold 1. On footage 4 was best at threshold 1, 6 at 2 and 10 at 4.
        """
        if sigma is None:
            return cls(SdmEngine(short_window))
        try:
            network = TaperedSDM(sigma=sigma)
        except ValueError as error:
            raise OptionError(str(error)) from None
        return cls(NetworkEngine(network, network.num_spike, torch.device('cpu')), density='auto')

    @property
    def num_spike(self) -> int:
        """Readouts that a frame needs around its instant, odd."""
        return self.engine.num_spike

    def __call__(
        self,
        blur: npt.NDArray[np.floating[Any]],
        spikes: npt.NDArray[Any],
        instants: Sequence[int],
        *,
        exposure: Exposure | None = None,
    ) -> Frame:
        """Return the sharp frames, (N, H, W, 3) float32 RGB, clipped to [0, 1]; the arguments are those of `frames`."""
        return np.stack(list(self.frames(blur, spikes, instants, exposure=exposure)))

    def frames(
        self,
        blur: npt.NDArray[np.floating[Any]],
        spikes: npt.NDArray[Any],
        instants: Sequence[int],
        *,
        exposure: Exposure | None = None,
    ) -> Iterator[Frame]:
        """Yield the sharp frames one after another; memory does not grow with their number.

        Args:
            blur: (H, W, 3) RGB, floating, in [0, 1].
            spikes: (T, h, w), bool or 0 and 1, top row first. H / h and W / w are 4 for the published networks; other
                equal ratios are brought to it by resampling the spikes, sizes that 4 does not divide by padding.
            instants: readout indices; each needs `num_spike // 2` readouts before and after it.
            exposure: the readouts during which the photo was exposed; by default the whole stream.

        Returns:
            An iterator over (H, W, 3) float32 frames, clipped to [0, 1], in the order of `instants`. The arguments are
            checked before it is returned.

        Raises:
            SpikeDataError: an array has another form or value, the sizes do not fit, no spike fell, or an instant or
                the exposure leaves the stream.
        """
        image, stream = checked_blur(blur), checked_stream(spikes)
        exposure = exposure or Exposure(0, len(stream))
        check_instants(instants, self.num_spike, len(stream))
        fit = fit_sizes((image.shape[2], image.shape[3]), (stream.shape[1], stream.shape[2]))
        try:
            long_rate = exposure_rate(stream.unsqueeze(0), exposure)
        except ValueError as error:
            raise SpikeDataError(str(error)) from None
        check_light(long_rate)
        ratio = self._ratio(image, long_rate)
        if ratio != 1:
            long_rate = _dense_long_rate(stream, exposure, ratio)

        def run() -> Iterator[Frame]:
            with torch.inference_mode():
                encoded = self.engine.encode(fit.blur(image), fit.spikes(long_rate))
            for instant in instants:
                with torch.inference_mode():  # not across the yield: the caller's own code is none of its business
                    window = fit.spikes(_window(stream, instant, self.num_spike, ratio))
                    frame = _as_array(fit.crop(self.engine.frame(encoded, window)))
                yield frame

        return run()

    def _ratio(self, image: Tensor, long_rate: Tensor) -> float:
        """Return how many times denser spikes are made."""
        if self.density != 'auto':
            return float(self.density)
        try:
            return observed_threshold(image, long_rate) / self.trained_threshold
        except ValueError as error:
            raise SpikeDataError(f'density auto: {error}') from None


def _window(stream: Tensor, instant: int, length: int, ratio: float) -> Tensor:
    """Return the window (1, length, h, w) float32 of a stream (T, h, w) bool, made `ratio` times as dense."""
    if ratio == 1:
        return as_float(spike_window(stream.unsqueeze(0), instant, length)[0])
    reach = len(density_kernel(ratio)) // 2
    first, stop = max(0, instant - length // 2 - reach), min(len(stream), instant + length // 2 + 1 + reach)
    return spike_window(normalise_density(as_float(stream[first:stop]), ratio), instant - first, length)


def _dense_long_rate(stream: Tensor, exposure: Exposure, ratio: float) -> Tensor:
    """Return the firing rate (1, 1, h, w) over the exposure of a stream that is made `ratio` times as dense."""
    reach = len(density_kernel(ratio)) // 2
    first, stop = max(0, exposure.first - reach), min(len(stream), exposure.stop + reach)
    each = torch.eye(stop - first)[None, :, :, None]  # as many pixels, each firing once: what a readout counts for
    weights = exposure_rate(normalise_density(each, ratio), Exposure(exposure.first - first, exposure.length))
    rate = torch.zeros(stream.shape[1:])
    for readout, weight in zip(stream[first:stop], weights.flatten().tolist(), strict=True):
        rate.add_(readout.to(torch.float32), alpha=weight)
    return rate[None, None]


def _as_array(frame: Tensor) -> Frame:
    """Return (H, W, 3) in [0, 1] of (1, 3, H, W)."""
    return np.ascontiguousarray(frame[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy())
