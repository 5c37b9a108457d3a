"""What a data set holds: counts, sizes, exposure, and how bright its images are against its spikes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.physics.srgb import srgb_to_linear
from spikereveal_plugin.recordings.layout import LMDBS, Split, find_split_of
from spikereveal_plugin.recordings.manifest import MANIFEST, SPLITS, read_manifest
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.recordings.sources import Source

Tile = tuple[str, npt.NDArray[np.uint8] | npt.NDArray[np.float32]]


@dataclass(frozen=True)
class SetSummary:
    """Lines that describe a data set, and labelled pictures: images uint8, firing rates float."""

    lines: tuple[str, ...]
    tiles: tuple[Tile, ...]


def inspect_set(root: Path, measured: int = 24, shown: int = 4) -> SetSummary:
    """Describe a data set.

    Args:
        root: folder with `train` or `test`, or one of them, that holds `blur.lmdb` and `spike.lmdb`.
        measured: samples of each split whose brightness is measured, spread evenly.
        shown: samples of each split in the pictures.

    Raises:
        SpikeDataError: there is no such data set, or a record cannot be read.
    """
    is_linear, lines = False, []
    if (root / MANIFEST).is_file():
        manifest = read_manifest(root)
        capture = manifest.get('capture')
        is_linear = isinstance(capture, dict) and capture.get('linear_light') is True
        lines.append(f'made by: {manifest.get("source")}, seed {manifest.get("seed")}')
    splits = [root / name for name in SPLITS if Split(root / name).is_there]
    if not splits and (split := find_split_of(root)):
        splits = [split.root]
    if not splits:
        raise SpikeDataError(
            f'{root}: neither a data set with train or test, nor a folder with {LMDBS.blur}, {LMDBS.spikes}'
        )
    tiles: list[Tile] = []
    for folder in splits:
        source = open_split(folder)
        lines += _lines(folder.name, source, is_linear, measured)
        tiles += _tiles(folder.name, source, shown)
    return SetSummary(tuple(lines), tuple(tiles))


def _observed(source: Source, keys: Sequence[str], *, is_linear: bool) -> list[float]:
    """The thresholds that samples show; none of one without light or spikes."""
    thresholds = []
    for key in keys:
        image = source.blur(key).transpose(2, 0, 1) / np.float32(255)
        try:
            threshold = observed_threshold(srgb_to_linear(image) if is_linear else image, _long_rate(source, key))
        except ValueError:
            continue
        thresholds.append(threshold)
    return thresholds


def _lines(name: str, source: Source, is_linear: bool, measured: int) -> Iterator[str]:
    keys = source.keys
    sequences = Counter(key.rpartition('/')[0] for key in keys)
    yield f'{name}: {len(keys)} samples of {len(sequences)} sequences'
    forms = Counter((source.image_size(key), source.record(key)) for key in keys)
    for (size, record), count in forms.most_common(5):
        yield (
            f'{name}: {count} x image {size[0]} x {size[1]}, spikes {record.num_readouts} x {record.height} x '
            f'{record.width}, exposure {record.exposure_first} + {record.exposure_length}, '
            f'ratio {size[0] / record.height:g} x {size[1] / record.width:g}'
        )
    if len(forms) > 5:
        yield f'{name}: and {len(forms) - 5} other forms'
    chosen = _spread(keys, measured)
    thresholds = _observed(source, chosen, is_linear=is_linear)
    if silent := len(chosen) - len(thresholds):
        yield f'{name}: {silent} of {len(chosen)} samples are black or show no spike during their exposure'
    if thresholds:
        low, middle, high = np.percentile(thresholds, (0, 50, 100))
        yield f'{name}: image over spikes (the threshold): {middle:.3f}, {low:.3f} to {high:.3f} in {len(thresholds)}'


def _tiles(name: str, source: Source, shown: int) -> Iterator[Tile]:
    for key in _spread(source.keys, shown):
        yield f'{name} {key}', source.blur(key)
        yield f'TFP, {source.record(key).exposure_length} readouts', _long_rate(source, key)


def _long_rate(source: Source, key: str) -> npt.NDArray[np.float32]:
    """(h, w): the firing rate over the exposure."""
    exposure = source.record(key).exposure
    return source.spikes(key)[exposure.first : exposure.stop].mean(axis=0, dtype=np.float32)


def _spread(keys: tuple[str, ...], count: int) -> list[str]:
    """Choose at most `count` keys, evenly spread."""
    return [keys[index] for index in sorted({round(i) for i in np.linspace(0, len(keys) - 1, min(count, len(keys)))})]
