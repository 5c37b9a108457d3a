"""What a `.dat` of unknown origin holds: sensor size, header, row order, guessed from its size and its correlations.

The same pixel at the next readout resembles itself, and a row resembles the next one: a wrong readout length loses the
first, a wrong width the second. Where a readout begins shows as the largest step between rows.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.recordings.sensors import KNOWN_SENSORS

LARGEST_SIDE: Final = 4096
SMALLEST_SIDE: Final = 16
SMALLEST_READOUT: Final = 512  # 64 x 64 pixels
LARGEST_HEADER: Final = 4096
SAMPLE_BYTES: Final = 2 * 2**20
PERIOD_BYTES: Final = 2**20
KNOWN_BONUS: Final = 0.1
TRUSTED_READOUTS: Final = 12
SURE, LIKELY = 0.15, 0.05  # by how much the best row correlation leads
_FLAT = 1e-6
_ONES = np.array([bin(value).count('1') for value in range(256)], np.uint8)
Rates = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LayoutGuess:
    """One reading of a file, with the evidence for it; correlations are in [-1, 1].

    `time` compares readouts; `rows` neighbouring rows, less what the largest step inside the image takes away;
    `contrast` is the variance of the spike counts that repeats; `lead` how far the score is ahead of the next size's.
    """

    height: int
    width: int
    header: int
    trailing: int
    num_readouts: int
    time: float
    contrast: float
    rows: float
    score: float = 0.0
    lead: float = 0.0

    @property
    def certainty(self) -> str:
        """'sure', 'likely' or 'unsure'."""
        is_clean = self.trailing == 0 and self.time > 0.3
        if self.lead > SURE and is_clean:
            return 'sure'
        return 'likely' if self.lead > LIKELY and self.time > 0.1 else 'unsure'


def guess_layout(path: Path) -> tuple[LayoutGuess, ...]:
    """Guess how a `.dat` is to be read.

    Returns:
        The best guesses, best first, at least one and at most five.

    Raises:
        SpikeDataError: the file is absent, empty, or nothing in it repeats.
    """
    if not path.is_file():
        raise SpikeDataError(f'{path}: there is no such file')
    num_bytes = path.stat().st_size
    raw = np.fromfile(path, np.uint8, count=SAMPLE_BYTES)
    if raw.size < 2 * SMALLEST_READOUT:
        raise SpikeDataError(f'{path}: {num_bytes} bytes are too few to hold two readouts')
    guesses = [guess for length in _readout_lengths(raw) for guess in _sizes(raw, num_bytes, length)]
    # Few readouts leave the spikes' phases in their mean, which looks like contrast.
    most = max((g.contrast for g in guesses if g.num_readouts >= TRUSTED_READOUTS), default=0.0)
    most = most or max((g.contrast for g in guesses), default=0.0)
    guesses = [replace(g, score=_score(g, most)) for g in guesses if g.contrast > 0 and g.rows > 0]
    if not guesses:
        raise SpikeDataError(f'{path}: no readout length repeats in its {num_bytes} bytes; is it a spike file?')
    guesses.sort(key=lambda guess: guess.score, reverse=True)
    best, *others = _of_different_sizes(guesses)
    lead = best.score - (others[0].score if others else 0.0)
    return replace(best, lead=lead), *others


def _score(guess: LayoutGuess, most: float) -> float:
    """Rows must resemble each other and the image keep its contrast; a known sensor that fills the file is likelier."""
    is_usual = (guess.height, guess.width) in KNOWN_SENSORS and guess.trailing == 0
    return guess.rows * min(1.0, guess.contrast / most) + (KNOWN_BONUS if is_usual else 0.0)


def measure_layout(path: Path, height: int, width: int, header: int = 0) -> LayoutGuess:
    """Return the evidence for a given layout.

    Raises:
        SpikeDataError: the file is absent or does not hold one such readout.
    """
    if not path.is_file():
        raise SpikeDataError(f'{path}: there is no such file')
    num_bytes, length = path.stat().st_size, (height * width + 7) // 8
    count = (num_bytes - header) // length
    if count < 1:
        raise SpikeDataError(
            f'{path}: {num_bytes} bytes do not hold one readout of {height}x{width} after {header} bytes'
        )
    raw = np.fromfile(path, np.uint8, count=header + length * min(count, max(2, SAMPLE_BYTES // length)))
    rates = _rates(raw[header:], length)
    contrast, time = _repeated(raw[header:], length)
    rows = _row_correlation(rates, height, width)
    return LayoutGuess(height, width, header, (num_bytes - header) % length, count, time, contrast, rows)


def _of_different_sizes(guesses: list[LayoutGuess]) -> list[LayoutGuess]:
    kept: dict[tuple[int, int], LayoutGuess] = {}
    for guess in guesses:
        kept.setdefault((guess.height, guess.width), guess)
    return list(kept.values())[:5]


def _readout_lengths(raw: npt.NDArray[np.uint8]) -> list[int]:
    """Bytes a readout may take: of known sensors, and what the bytes' strongest periods are multiples of."""
    periods = _periods(raw)
    lengths = {math.gcd(first, second) for first in periods[:4] for second in periods[:4]}
    lengths |= {(height * width + 7) // 8 for height, width in KNOWN_SENSORS}
    return sorted(length for length in lengths if SMALLEST_READOUT <= length <= raw.size // 2)


def _periods(raw: npt.NDArray[np.uint8], most: int = 16) -> list[int]:
    """Lags at which the number of spikes a byte holds resembles itself more than at the lags beside it."""
    counts = _smooth_counts(raw[:PERIOD_BYTES]).astype(np.float64)
    counts -= counts.mean()
    spectrum = np.fft.rfft(counts, 2 * counts.size)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: counts.size // 2 + 1]
    correlation /= counts.size - np.arange(correlation.size)
    inner = correlation[1:-1]
    peaks = 1 + np.flatnonzero((inner > correlation[:-2]) & (inner >= correlation[2:]))
    peaks = peaks[peaks >= SMALLEST_READOUT]
    return [int(lag) for lag in peaks[np.argsort(correlation[peaks])[::-1][:most]]]


def _sizes(raw: npt.NDArray[np.uint8], num_bytes: int, length: int) -> list[LayoutGuess]:
    """Try the widths that fill a readout of `length` bytes, at both places where it may begin."""
    guesses = []
    remainder = num_bytes % length
    for header in {0, remainder} if 0 < remainder <= LARGEST_HEADER else {0}:
        body = raw[header:]
        rates, (contrast, time) = _rates(body, length), _repeated(body, length)
        for height, width in _shapes(rates):
            rows = _row_correlation(rates, height, width) - _break_inside(rates, height, width)
            trailing = (num_bytes - header) % length
            count = (num_bytes - header) // length
            guesses.append(LayoutGuess(height, width, header, trailing, count, time, contrast, rows))
    guesses.sort(key=lambda guess: guess.rows, reverse=True)
    return guesses[:5]


def _shapes(rates: Rates) -> list[tuple[int, int]]:
    """Heights and widths that fill a readout but for up to seven bits that never fire."""
    silent = int(np.argmax(rates[:-8:-1] > 0)) if rates[-7:].any() else 7
    return [
        (pixels // width, width)
        for pixels in range(rates.size - silent, rates.size + 1)
        for width in range(SMALLEST_SIDE, min(LARGEST_SIDE, pixels // SMALLEST_SIDE) + 1)
        if pixels % width == 0 and 0.2 < width * width / pixels < 5.5
    ]


def _rates(body: npt.NDArray[np.uint8], length: int) -> Rates:
    """(8 length,) firing rate of each bit of a readout."""
    bits = np.unpackbits(body[: body.size // length * length].reshape(-1, length), axis=1, bitorder='little')
    rates: Rates = bits.sum(axis=0, dtype=np.int64) / len(bits)
    return rates


def _repeated(body: npt.NDArray[np.uint8], length: int) -> tuple[float, float]:
    """Return contrast, and correlation of every k-th readout's mean with the others', the least over k = 2, 3, 5, 7.

    Counts are summed over neighbouring pixels first, since a pixel fires at regular intervals. A length with no simple
    ratio to the true one averages different pixels, which takes the contrast away; with a simple one, such as a half,
    some k compares different parts of the image.
    """
    count = body.size // length
    counts = _smooth_counts(body[: count * length]).reshape(count, length)
    if count < TRUSTED_READOUTS:
        halves = counts[: count // 2].mean(axis=0), counts[count // 2 :].mean(axis=0)
        return float(counts.mean(axis=0).var()), _correlate(*halves)
    covariances, correlations = [], []
    for step in (2, 3, 5, 7):
        if count >= 2 * step:
            means = [counts[start::step].mean(axis=0, dtype=np.float32) for start in range(step)]
            pairs = [(means[0], other) for other in means[1:]]
            covariances += [float(np.mean((a - a.mean()) * (b - b.mean()))) for a, b in pairs]
            correlations += [_correlate(a, b) for a, b in pairs]
    return min(covariances), min(correlations)


def _smooth_counts(body: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Spikes in each byte and the three after it."""
    counts = _ONES[body]
    for shift in (1, 2):
        counts[:-shift] += counts[shift:]
    return counts


def _row_correlation(rates: Rates, height: int, width: int) -> float:
    image = rates[: height * width].reshape(height, width)
    return _correlate(image[:-1].ravel(), image[1:].ravel())


def _break_inside(rates: Rates, height: int, width: int) -> float:
    """Return how much larger the largest step between two rows inside is than the one from the last row to the first.

    A readout that is read from a wrong byte on, or two readouts taken for one, have the true border inside.
    """
    image = rates[: height * width].reshape(height, width)
    steps = np.abs(np.diff(image, axis=0)).mean(axis=1)
    border = float(np.abs(image[0] - image[-1]).mean())
    excess = float(steps.max()) - max(border, 3 * float(np.median(steps)))
    return max(0.0, excess) / (float(np.abs(image - image.mean()).mean()) + _FLAT)


def _correlate(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    first, second = first - first.mean(), second - second.mean()
    power = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / power if power > _FLAT else 0.0
