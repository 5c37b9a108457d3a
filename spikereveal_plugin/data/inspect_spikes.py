"""What a spike file holds: size, firing rates, pictures."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from spikereveal_plugin.data.guess_layout import LayoutGuess, guess_layout, measure_layout
from spikereveal_plugin.data.image_file import load_image
from spikereveal_plugin.data.spike_file import SpikeLayout, load_spikes, sensor_from_config
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.vidar import unpack_spikes
from spikereveal_plugin.physics.exposure import Exposure
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate, inter_spike_rate

Rate = npt.NDArray[np.float32]
SHORT_WINDOW = 9


@dataclass(frozen=True)
class SpikeSummary:
    """A stream, what was found out about it, and lines that say so."""

    spikes: npt.NDArray[np.bool_]
    layout: SpikeLayout
    lines: tuple[str, ...]

    @property
    def rates(self) -> Rate:
        """(h, w) firing rate of each pixel over the whole stream."""
        tensor = torch.from_numpy(np.ascontiguousarray(self.spikes))[None]
        return exposure_rate(tensor, Exposure(0, len(self.spikes)))[0, 0].numpy()

    def pictures(self) -> Iterator[tuple[str, Rate]]:
        """Yield labelled firing rates: one readout, short and long TFP, TFI at the stream's middle."""
        tensor, middle = torch.from_numpy(np.ascontiguousarray(self.spikes))[None], len(self.spikes) // 2
        yield f'readout {middle}', self.spikes[middle].astype(np.float32)
        window = min(SHORT_WINDOW, len(self.spikes) - 1 + len(self.spikes) % 2)
        yield f'TFP, {window} readouts', firing_rate(tensor, middle, window)[0, 0].numpy()
        yield f'TFP, all {len(self.spikes)}', self.rates
        yield 'TFI', inter_spike_rate(tensor, middle)[0, 0].numpy()


def inspect_spikes(path: Path, layout: SpikeLayout, blur: Path | None = None) -> SpikeSummary:
    """Read a stream, guessing what is not known of a `.dat`.

    Args:
        path: `.dat`, `.npy` or `.npz`.
        layout: what is known.
        blur: image of the same scene, which tells whether rows are stored bottom first.

    Raises:
        SpikeDataError: the file cannot be read, or nothing in it repeats.
    """
    lines: list[str] = []
    if path.suffix.lower() == '.dat':
        spikes, layout = _guessed(path, layout, lines)
    else:
        spikes = load_spikes(path, layout)
    lines.append(f'readouts: {len(spikes)} of {spikes.shape[1]} x {spikes.shape[2]} (height x width)')
    if blur is not None:
        spikes, layout = _turned_like(spikes, blur, layout, lines)
    elif path.suffix.lower() == '.dat':
        order = 'bottom row first, as spike cameras write it' if layout.flip else 'top row first'
        lines.append(f'row order: taken as {order}; the bytes cannot tell: look at the picture, or give --blur')
    return SpikeSummary(spikes, layout, (*lines, *_rate_lines(spikes)))


def _guessed(path: Path, layout: SpikeLayout, lines: list[str]) -> tuple[npt.NDArray[np.bool_], SpikeLayout]:
    sensor = layout.sensor or sensor_from_config(path)
    if sensor is not None:
        best = measure_layout(path, *sensor, layout.header)
        lines.append(f'sensor: {best.height} x {best.width}, as given; {_evidence(best)}')
    else:
        best, *others = guess_layout(path)
        lines.append(f'sensor: {best.height} x {best.width}, {best.certainty}; {_evidence(best)}')
        if others and best.certainty != 'sure':
            sizes = ', '.join(f'{other.height} x {other.width} (header {other.header})' for other in others[:3])
            lines.append(f'sensor: it may also be {sizes}')
    lines.append(f'header: {best.header} bytes' if best.header else 'header: none')
    if best.trailing:
        lines.append(f'trailing: {best.trailing} bytes after the last whole readout, which are left out')
    raw = np.fromfile(path, np.uint8)[best.header :]
    raw = raw[: raw.size - best.trailing]
    try:
        spikes = unpack_spikes(raw, best.height, best.width, flip=layout.flip)
    except SpikeDataError as error:
        raise SpikeDataError(f'{path}: {error}') from None
    return spikes, replace(layout, height=best.height, width=best.width, header=best.header)


def _evidence(guess: LayoutGuess) -> str:
    return f'neighbouring rows correlate by {guess.rows:.3f}, readouts by {guess.time:.3f}'


def _turned_like(
    spikes: npt.NDArray[np.bool_], blur: Path, layout: SpikeLayout, lines: list[str]
) -> tuple[npt.NDArray[np.bool_], SpikeLayout]:
    """Turn the stream upside down where it then resembles the image more."""
    height, width = spikes.shape[1:]
    small = cv2.resize(load_image(blur), (width, height), interpolation=cv2.INTER_AREA)
    light = gray(torch.from_numpy(small).permute(2, 0, 1).float())[0].numpy()
    rate = spikes.mean(axis=0)
    upright, turned = (float(np.corrcoef(light.ravel(), image.ravel())[0, 1]) for image in (rate, rate[::-1]))
    is_turned = turned > upright
    flip = layout.flip != is_turned
    order = 'bottom' if flip else 'top'
    lines.append(f'row order: {order} row first; correlation with the image {max(upright, turned):.3f}, '
                 f'upside down {min(upright, turned):.3f}')  # fmt: skip
    return (spikes[:, ::-1] if is_turned else spikes), replace(layout, flip=flip)


def _rate_lines(spikes: npt.NDArray[np.bool_]) -> Iterator[str]:
    rates = spikes.mean(axis=0)
    low, middle, high = np.percentile(rates, (1, 50, 99))
    yield f'firing rate: mean {rates.mean():.4f}, 1st percentile {low:.4f}, median {middle:.4f}, 99th {high:.4f}'
    yield f'pixels that never fire: {int((rates == 0).sum())}, that always fire: {int((rates == 1).sum())}'
