"""What a data set holds: counts, sizes, exposure, and how bright its images are against its spikes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.srgb import srgb_to_linear
from spikereveal_plugin.physics.tfp import exposure_rate
from spikereveal_plugin.recordings.manifest import MANIFEST, SPLITS, read_manifest
from spikereveal_plugin.recordings.sources import LmdbSource

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
    splits = [root / split for split in SPLITS if (root / split / 'spike.lmdb').is_dir()]
    splits = splits or ([root] if (root / 'spike.lmdb').is_dir() else [])
    if not splits:
        raise SpikeDataError(f'{root}: neither a data set with train or test, nor a folder with blur.lmdb, spike.lmdb')
    tiles: list[Tile] = []
    for folder in splits:
        source = open_split(folder)
        lines += _lines(folder.name, source, is_linear, measured)
        tiles += _tiles(folder.name, source, shown)
    return SetSummary(tuple(lines), tuple(tiles))


def open_split(folder: Path) -> LmdbSource:
    """Open one split, with its ground truth where there is some."""
    sharp, sequence = folder / 'sharp.lmdb', folder / 'sharp_sequence.lmdb'
    return LmdbSource(
        folder / 'blur.lmdb',
        folder / 'spike.lmdb',
        sharp if sharp.is_dir() else None,
        sequence if sequence.is_dir() else None,
    )


def threshold_estimate(blur: npt.NDArray[np.uint8], long_rate: torch.Tensor, *, is_linear: bool = False) -> float:
    """Estimate theta = mean gray(B) / mean TFP_long (Eq. 5); infinite where nothing fired.

    Args:
        blur: (H, W, 3) RGB.
        long_rate: (h, w) firing rate over the exposure.
        is_linear: spikes were integrated from linear light, so undo the image's sRGB curve.
    """
    image = torch.from_numpy(blur).permute(2, 0, 1).float() / 255
    light = float(gray(srgb_to_linear(image) if is_linear else image).mean())
    rate = float(long_rate.mean())
    return light / rate if rate > 0 else float('inf')


def _lines(name: str, source: LmdbSource, is_linear: bool, measured: int) -> Iterator[str]:
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
    found = [threshold_estimate(source.blur(k, None, 1), _long_rate(source, k), is_linear=is_linear) for k in chosen]
    low, middle, high = np.percentile(found, (0, 50, 100))
    yield f'{name}: image over spikes (the threshold): {middle:.3f}, {low:.3f} to {high:.3f} in {len(found)}'


def _tiles(name: str, source: LmdbSource, shown: int) -> Iterator[Tile]:
    for key in _spread(source.keys, shown):
        yield f'{name} {key}', source.blur(key, None, 1)
        yield f'TFP, {source.record(key).exposure_length} readouts', _long_rate(source, key).numpy()


def _long_rate(source: LmdbSource, key: str) -> torch.Tensor:
    record = source.record(key)
    exposure = Exposure(record.exposure_first, record.exposure_length)
    return exposure_rate(torch.from_numpy(source.spikes(key, None))[None], exposure)[0, 0]


def _spread(keys: tuple[str, ...], count: int) -> list[str]:
    """Choose at most `count` keys, evenly spread."""
    return [keys[index] for index in sorted({round(i) for i in np.linspace(0, len(keys) - 1, min(count, len(keys)))})]
