"""What an adaptation trains on, and what it holds out: exposures, or a part of the image where there is one."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from spikereveal_plugin.building.dataset_writer import DatasetWriter
from spikereveal_plugin.building.exposure_builder import Sample
from spikereveal_plugin.building.import_set import ImportOptions, import_recordings, plan_of, read_recording
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.inputs import real
from spikereveal_plugin.inference.checks import checked_blur
from spikereveal_plugin.inference.jobs import refuse_swapped
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.physics.tfp import exposure_rate
from spikereveal_plugin.recordings.find_recordings import find_recordings
from spikereveal_plugin.recordings.layout import LMDBS, find_split_of
from spikereveal_plugin.recordings.manifest import BuildPlan
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.restorers.checks import check_light, check_orientation

SOURCE = 'spikereveal adapt'
TRAINED, HELD_OUT = '_trained', '_held_out'  # ends of the names of an only exposure's two parts
_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class Samples:
    """Where `blur.lmdb` and `spike.lmdb` are, which of their samples are trained on, and which are held out."""

    root: Path
    train: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True)
class SampleForm:
    """What the trained samples have in common, as an option file needs it.

    Args:
        threshold: of the spike camera, observed as mean(gray(B)) / mean(TFP_long); the median of the samples.
        sensor: the smallest height and width, in spike pixels.
        readouts: of each stream.
        exposure: of each photo.
        samples: the samples.
    """

    threshold: float
    sensor: tuple[int, int]
    readouts: int
    exposure: Exposure
    samples: Samples


def gather_samples(blur: Path | None, spikes: Path, folder: Path, options: ImportOptions, held_out: int) -> Samples:
    """Make a data set of recordings in `folder`, or take one that exists, and hold a part out.

    Of several exposures, some spread over the recording are held out, a fifth at most. Of an only exposure a quarter
    of the image is, at the end of its longer side: no other instants would do, since a frame's pixel sees readouts far
    around its instant, and the photo to which all of them must average is the one trained on.

    Args:
        blur: a photo or a folder of them; None where `spikes` is a data set or a split of one.
        spikes: a spike file, a folder of them, or a data set.
        folder: where a data set is made.
        options: how recordings are read.
        held_out: exposures to hold out, if there are so many.

    Raises:
        SpikeDataError: nothing is there, or a file is at fault.
    """
    if blur is None:
        root = _split_of(spikes)
        keys = open_split(root).keys
        if len(keys) > 1:
            return choose(root, keys, held_out)
        plan = BuildPlan(SOURCE, 0, {'cut': str(real(root)), 'key': keys[0]}, {})
        return _cut_in_two(_stored(root, keys[0]), keys[0], plan, folder)
    for path in (blur, spikes):
        if not path.exists():
            raise SpikeDataError(f'{path}: no such file or folder')
    refuse_swapped(blur, spikes)
    pairs = find_recordings(blur, spikes)
    if len(pairs.recordings) > 1:
        root = import_recordings([pairs], folder, SOURCE, options) / 'train'
        return choose(root, open_split(root).keys, held_out)
    (only,) = pairs.recordings
    plan = plan_of(pairs.recordings, SOURCE, options)
    plan = replace(plan, parameters={**plan.parameters, 'cut': 'in two'})
    return _cut_in_two(read_recording(only, options), only.key, plan, folder)


def choose(root: Path, keys: tuple[str, ...], held_out: int) -> Samples:
    """Hold out samples from the middles of equal parts of the list; at least one, a fifth of all at most."""
    count = max(1, min(held_out, len(keys) // 5))
    places = {(2 * number + 1) * len(keys) // (2 * count) for number in range(count)}
    train = tuple(key for place, key in enumerate(keys) if place not in places)
    return Samples(root, train, tuple(keys[place] for place in sorted(places)))


def _split_of(root: Path) -> Path:
    """The folder with the LMDBs: `root`, its `train`, or the split that it is a part of."""
    if (split := find_split_of(root, 'train', 'test')) and split.layout is LMDBS:
        return split.root
    if not root.exists():
        raise SpikeDataError(f'{root}: no such file or folder')
    raise SpikeDataError(
        f'{root}: no data set of this package ({LMDBS.blur} and {LMDBS.spikes}, or train/ with them); to adapt to '
        'recordings give two paths, the photos and the spikes'
    )


def _stored(root: Path, key: str) -> Sample:
    source = open_split(root)
    return Sample(source.blur(key), source.spikes(key).astype(np.bool_), source.record(key).exposure)


def _cut_in_two(sample: Sample, key: str, plan: BuildPlan, folder: Path) -> Samples:
    """Make a data set of the two parts of an only exposure."""
    sequence, _, name = key.rpartition('/')
    with DatasetWriter(folder, plan) as writer:
        for end, part in zip((TRAINED, HELD_OUT), cut(sample), strict=True):
            if not writer.has('train', sequence, name + end):
                writer.put('train', sequence, name + end, part)
        root = writer.finish() / 'train'
    _log.info('one exposure: a quarter of its image is held out')
    return Samples(root, (f'{key}{TRAINED}',), (f'{key}{HELD_OUT}',))


def cut(sample: Sample) -> tuple[Sample, Sample]:
    """Cut the last quarter of the longer side off image and spikes; sharp images, which nothing needs, stay behind.

    Raises:
        SpikeDataError: the sensor has fewer than 4 pixels along it.
    """
    height, width = sample.spikes.shape[1:]
    ratio, axis = sample.blur.shape[0] // height, int(width >= height)
    side = (height, width)[axis]
    if side < 4:
        raise SpikeDataError(f'a sensor of {height}x{width} pixels is too small to hold a part out')
    parts = []
    for start, stop in ((0, side - side // 4), (side - side // 4, side)):
        rows, columns = ((slice(start, stop), slice(None)), (slice(None), slice(start, stop)))[axis]
        pixels = tuple(slice(s.start and ratio * s.start, s.stop and ratio * s.stop) for s in (rows, columns))
        parts.append(Sample(sample.blur[pixels], sample.spikes[:, rows, columns], sample.exposure))
    return parts[0], parts[1]


def examine(samples: Samples) -> SampleForm:
    """Look at every sample for what would only show in the result, and gather what the option file needs.

    Raises:
        SpikeDataError: spikes are silent, saturated or flipped, or samples differ in readouts or exposure.
    """
    source, keys = open_split(samples.root), (*samples.train, *samples.held_out)
    kinds = {(r.num_readouts, r.exposure_first, r.exposure_length) for r in map(source.record, keys)}
    if len(kinds) > 1:
        raise SpikeDataError(
            f'{samples.root}: exposures differ: (readouts, first, length) are {sorted(kinds)[:3]}; adapt to one kind'
        )
    thresholds = []
    for key in tqdm(keys, desc='Check', unit='exposure', disable=None, leave=False):
        blur = checked_blur(source.blur(key).astype(np.float32) / np.float32(255))
        rate = exposure_rate(torch.from_numpy(source.spikes(key))[None], source.record(key).exposure)
        try:
            check_light(rate)
            check_orientation(blur, rate)
            thresholds.append(observed_threshold(blur, rate))
        except ValueError as error:  # SpikeDataError is one
            raise SpikeDataError(f'{key}: {error}') from None
    sizes = [source.record(key) for key in samples.train]
    sensor = (min(size.height for size in sizes), min(size.width for size in sizes))
    readouts, *times = kinds.pop()
    return SampleForm(float(np.median(thresholds)), sensor, readouts, Exposure(*times), samples)
