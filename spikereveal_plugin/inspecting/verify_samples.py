"""Check what samples hold: blur and spikes of one scene (Eq. 5), and nothing that is in both splits."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb
from spikereveal_plugin.recordings.light import sensor_light
from spikereveal_plugin.recordings.manifest import Checksums

Map = npt.NDArray[np.float32]
LEAST_CORRELATION = 0.5
MARGIN = 0.15
DEVIATIONS = 6.0
FLAT = 0.5 / 255
LEAST_RELIABILITY = 0.1
_SMOOTH = 3  # pixels of the sensor
_SMALL = 16
_ALIKE = 2.0  # gray levels
_CONTRAST = 8.0


@dataclass(frozen=True)
class SampleCheck:
    """What one sample looks like: `correlation` is NaN where blur or spikes show nothing; (16, 16) gray."""

    correlation: float
    problem: str
    thumbnail: Map


def check_sample(blurs: ImageLmdb, spikes: SpikeLmdb, key: str, *, linear_light: bool) -> SampleCheck:
    """Correlate the gray blur with the firing rate over the exposure (Eq. 5), on the sensor's grid.

    A dark or plain scene's rate is mostly noise, which lowers the correlation; how much is measured by the agreement of
    the exposure's two halves, and corrected for.
    """
    image, record = blurs.read(key), spikes.records[key]
    height, width = image.shape[:2]
    small = cv2.resize(image, (_SMALL, _SMALL), interpolation=cv2.INTER_AREA).astype(np.float32).mean(axis=2)
    ratio = height // record.height
    if (ratio * record.height, ratio * record.width) != (height, width):
        text = f'blur of {height}x{width} is no whole multiple of the sensor, {record.height}x{record.width}'
        return SampleCheck(float('nan'), text, small)
    light = sensor_light(image, ratio, linear_light=linear_light)
    stream = spikes.read(key, start=record.exposure.first, stop=record.exposure.stop)
    middle = len(stream) // 2
    halves = [part.mean(axis=0, dtype=np.float32) for part in (stream[:middle], stream[middle:]) if len(part)]
    return SampleCheck(*_correlate(_smooth(light), [_smooth(half) for half in halves]), small)


def outliers(looks: Mapping[str, SampleCheck]) -> Iterator[tuple[str, str]]:
    """Yield key and problem of each sample whose blur and spikes do not belong together.

    The limit is far below the median of all, in robust deviations, and never below 0.5.
    """
    values = np.array([look.correlation for look in looks.values() if not np.isnan(look.correlation)])
    median = float(np.median(values)) if values.size else 1.0
    spread = 1.4826 * float(np.median(np.abs(values - median))) if values.size else 0.0
    limit = max(LEAST_CORRELATION, median - MARGIN - DEVIATIONS * spread)
    for key, look in looks.items():
        if look.problem:
            yield key, look.problem
        elif look.correlation < limit:
            measured = f'{look.correlation:.3f} (limit {limit:.3f}, median {median:.3f})'
            yield key, f'gray blur and firing rate correlate by {measured}; are these the spikes of this photo?'


def overlaps(checksums: Checksums) -> Iterator[str]:
    """Yield each record of the test split whose very bytes are in the training split, under whatever name."""
    train: dict[str, str] = {}
    for kind, keys in checksums.get('train', {}).items():
        train |= {value: f'{kind} {key!r}' for key, value in keys.items()}
    for kind, keys in checksums.get('test', {}).items():
        for key, value in keys.items():
            if value in train:
                yield f'test {kind} {key!r} is also in the training split, as {train[value]}'


def look_alikes(train: Mapping[str, SampleCheck], test: Mapping[str, SampleCheck]) -> Iterator[str]:
    """Yield test samples that look like a training sample of another sequence: one scene under two names."""
    names = [key for key, look in train.items() if look.thumbnail.std() > _CONTRAST]
    if not names:
        return
    known = np.stack([train[key].thumbnail for key in names])
    for key, look in test.items():
        distance = np.abs(known - look.thumbnail).max(axis=(1, 2))
        nearest = int(distance.argmin())
        if distance[nearest] <= _ALIKE and names[nearest].rpartition('/')[0] != key.rpartition('/')[0]:
            yield f'test sample {key!r} looks like training sample {names[nearest]!r}; is it one scene under two names?'


def disattenuated(correlation: float, reliability: float) -> float:
    """Return the correlation that a rate without noise would have: Spearman's correction for attenuation.

    Args:
        correlation: of light and the rate over the whole exposure.
        reliability: correlation of the rates over its two halves; the whole is twice as long (Spearman-Brown).
    """
    whole = 2 * reliability / (1 + reliability)
    return min(1.0, correlation / math.sqrt(whole))


def _correlate(light: Map, halves: Sequence[Map]) -> tuple[float, str]:
    """Correlate light with the firing rate; NaN where one of them shows nothing but noise."""
    rate = np.mean(halves, axis=0)
    if light.std() < FLAT or rate.std() == 0:
        is_odd = light.std() > 10 * FLAT
        return float('nan'), 'the photo has contrast, but all pixels fire alike' if is_odd else ''
    correlation = float(np.corrcoef(light.ravel(), rate.ravel())[0, 1])
    if min(half.std() for half in halves) == 0 or len(halves) < 2:
        return correlation, ''
    reliability = float(np.corrcoef(halves[0].ravel(), halves[1].ravel())[0, 1])
    if reliability < LEAST_RELIABILITY:
        return float('nan'), ''
    return disattenuated(correlation, reliability), ''


def _smooth(values: Map) -> Map:
    return cv2.blur(values, (_SMOOTH, _SMOOTH)).astype(np.float32, copy=False)
