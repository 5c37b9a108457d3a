"""What a spike file holds: size, firing rates, pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.defaults import SHORT_WINDOW
from spikereveal_plugin.formats.vidar import are_whole_readouts
from spikereveal_plugin.inspecting.guess_layout import LayoutGuess, guess_layout, measure_layout
from spikereveal_plugin.inspecting.inspect_set import Tile
from spikereveal_plugin.inspecting.playback import Stream, play
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.recordings.image_file import load_image
from spikereveal_plugin.recordings.sensors import pixels_of_stored, stored_width
from spikereveal_plugin.recordings.spike_file import SpikeLayout, open_spikes, sensor_from_config
from spikereveal_plugin.recordings.spike_stream import SpikeStream

ALIKE: Final = 0.5  # correlation of photo and firing rates above which they show one scene
PHOTO_RATIOS: Final = (4, 1, 2, 3, 5, 6, 8)  # photo pixels to a spike pixel along a side
Image = npt.NDArray[np.uint8]
Rate = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SpikeSummary:
    """A stream, what was found out about it, (h, w) firing rates over all of it, and lines that say so."""

    spikes: SpikeStream
    layout: SpikeLayout
    rates: Rate
    lines: tuple[str, ...]

    def pictures(self) -> Iterator[Tile]:
        """Yield labelled firing rates: one readout, short and long TFP, TFI at the stream's middle."""
        count = len(self.spikes)
        window = min(SHORT_WINDOW, count - 1 + count % 2)
        readout, short, intervals = next(play(Stream(self.spikes, None), window, [count // 2]))
        yield from (readout, short, (f'TFP, all {count}', self.rates), intervals)


def inspect_spikes(path: Path, layout: SpikeLayout, blur: Path | None = None) -> SpikeSummary:
    """Read a stream, guessing what is not known of a `.dat`.

    Args:
        path: `.dat`, `.npy` or `.npz`.
        layout: what is known.
        blur: image of the same scene, which tells the sensor's size where it is not known, and the order of its rows.

    Raises:
        SpikeDataError: the file cannot be read, or nothing in it repeats.
    """
    lines: list[str] = []
    photo = None if blur is None else load_image(blur)
    if path.suffix.lower() == '.dat':
        spikes, layout = _guessed(path, layout, photo, lines)
    else:
        spikes = open_spikes(path, layout)
    lines.append(f'readouts: {len(spikes)} of {spikes.sensor[0]} x {spikes.sensor[1]} (height x width)')
    rates = spikes.rate()
    if photo is not None and _is_upside_down(rates, photo, layout, lines):
        spikes, rates, layout = spikes.upside_down(), rates[::-1], replace(layout, flip=not layout.flip)
    elif photo is None and path.suffix.lower() == '.dat':
        order = 'bottom row first, as spike cameras write it' if layout.flip else 'top row first'
        lines.append(f'row order: taken as {order}; the bytes cannot tell: look at the picture, or give --blur')
    return SpikeSummary(spikes, layout, rates, (*lines, *_rate_lines(rates), *_blind_lines(rates)))


def _guessed(path: Path, layout: SpikeLayout, photo: Image | None, lines: list[str]) -> tuple[SpikeStream, SpikeLayout]:
    sensor = layout.sensor or sensor_from_config(path)
    if sensor is not None:
        height, width = sensor
        stored = layout.packed_width or stored_width(path.stat().st_size - layout.header, height, width)
        best = measure_layout(path, height, stored, layout.header)
        lines.append(f'sensor: {height} x {width}, as given; {_evidence(best)}')
    else:
        (best, *others), certainty = _by_bytes(path) if photo is None else _by_photo(path, photo, layout)
        width = pixels_of_stored(best.height, best.width)
        lines.append(f'sensor: {best.height} x {width}, {certainty}; {_evidence(best)}')
        if others and certainty != 'sure':
            sizes = ', '.join(f'{other.height} x {other.width} (header {other.header})' for other in others[:3])
            lines.append(f'sensor: it may also be {sizes}')
    lines.append(f'header: {best.header} bytes' if best.header else 'header: none')
    if best.trailing:
        lines.append(f'trailing: {best.trailing} bytes after the last whole readout, which are left out')
    if width < best.width:
        lines.append(f'columns: rows hold {best.width} in the file, of which the first {width} are pixels')
    found = replace(layout, height=best.height, width=width, header=best.header, packed_width=best.width)
    return _stream(path, best, layout).first_columns(width), found


def _by_bytes(path: Path) -> tuple[Sequence[LayoutGuess], str]:
    guesses = guess_layout(path)
    return guesses, guesses[0].certainty


def _by_photo(path: Path, photo: Image, layout: SpikeLayout) -> tuple[Sequence[LayoutGuess], str]:
    """Order the guesses, and whole parts of the photo's size, by how the photo resembles them, and say how sure."""
    height, width = photo.shape[:2]
    sizes = [(height // ratio, width // ratio) for ratio in PHOTO_RATIOS if height % ratio == width % ratio == 0]
    whole = [size for size in sizes if are_whole_readouts(path.stat().st_size - layout.header, *size)]
    by_bytes = guess_layout(path)
    guesses = [*(measure_layout(path, *size, layout.header) for size in whole), *by_bytes]
    alike = [max(_likeness(_stream(path, guess, layout).rate(), photo)) for guess in guesses]
    order = sorted(range(len(guesses)), key=lambda index: alike[index], reverse=True)
    if alike[order[0]] > ALIKE:
        return [guesses[index] for index in order], 'sure'
    return by_bytes, 'unsure, since the photo resembles no reading of the file'


def _stream(path: Path, guess: LayoutGuess, layout: SpikeLayout) -> SpikeStream:
    shape = (guess.num_readouts, guess.height, guess.width)
    return SpikeStream.of_dat(path, shape, flip=layout.flip, header=guess.header)


def _evidence(guess: LayoutGuess) -> str:
    return f'neighbouring rows correlate by {guess.rows:.3f}, readouts by {guess.time:.3f}'


def _is_upside_down(rates: Rate, photo: Image, layout: SpikeLayout, lines: list[str]) -> bool:
    """Say whether the stream resembles the image more with its rows in the other order."""
    upright, turned = _likeness(rates, photo)
    is_turned = turned > upright
    order = 'bottom' if layout.flip != is_turned else 'top'
    lines.append(f'row order: {order} row first; correlation with the image {max(upright, turned):.3f}, '
                 f'upside down {min(upright, turned):.3f}')  # fmt: skip
    return is_turned


def _likeness(rates: Rate, photo: Image) -> tuple[float, float]:
    """Return the photo's correlation with the firing rates, and with those upside down; 0 where either is flat."""
    height, width = rates.shape
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    light = gray(small.transpose(2, 0, 1).astype(np.float32))[0]
    if light.std() == 0 or rates.std() == 0:
        return 0.0, 0.0
    upright, turned = (float(np.corrcoef(light.ravel(), image.ravel())[0, 1]) for image in (rates, rates[::-1]))
    return upright, turned


def _blind_lines(rates: Rate) -> Iterator[str]:
    """Name columns at the right that never fire while others do: some cameras store more than they have pixels."""
    fires = np.asarray((rates > 0).any(axis=0))
    used = int(np.flatnonzero(fires)[-1]) + 1 if fires.any() else len(fires)
    if used < len(fires):
        height, width = rates.shape
        yield (
            f'columns: {used} to {width - 1} never fire; if they hold no pixels, cut them: --height {height} '
            f'--width {used} --packed-width {width}'
        )


def _rate_lines(rates: Rate) -> Iterator[str]:
    low, middle, high = np.percentile(rates, (1, 50, 99))
    yield f'firing rate: mean {rates.mean():.4f}, 1st percentile {low:.4f}, median {middle:.4f}, 99th {high:.4f}'
    yield f'pixels that never fire: {int((rates == 0).sum())}, that always fire: {int((rates == 1).sum())}'
