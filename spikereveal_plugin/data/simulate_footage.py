"""A data set from videos: frames interpolated, averaged into blur and read by a simulated spike camera (Sec. 7)."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from spikereveal_plugin.data.dataset_writer import DatasetWriter
from spikereveal_plugin.data.exposure_builder import (
    Capture,
    ExposureBuilder,
    Frame,
    Sample,
    check_threshold,
    sensor_light,
)
from spikereveal_plugin.data.footage import Footage, find_footage
from spikereveal_plugin.data.framing import Framing, framing_for
from spikereveal_plugin.data.interpolate import DisInterpolator, Interpolator, Preset
from spikereveal_plugin.data.schedule import Schedule, plan_split
from spikereveal_plugin.data.seeding import torch_generator
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.physics.simulate import SpikeCamera

_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class SimulateOptions:
    """How footage becomes a data set.

    Args:
        factor: frames made of each original one: 8 (published; 13 originals an exposure), 16 (7) or 32 (4).
        threshold: of the spike camera; a white pixel fires at every `threshold`-th readout.
        noise: add the spikes that a sensor fires by itself.
        seed: of the sensor's start and noise.
        test: sequences that form the test split; if empty, the last fifth of each sequence does.
        resize: (height, width) to resize frames to, before borders are cut to a multiple of 16.
        flow: effort of the optical flow.
        overwrite: replace a data set that exists.
    """

    factor: int = 8
    threshold: float = 1.0
    noise: bool = True
    seed: int = 0
    test: tuple[str, ...] = ()
    resize: tuple[int, int] | None = None
    flow: Preset = 'medium'
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        if self.resize is not None and min(self.resize) < 1:
            raise OptionError(f'resize {self.resize}: expected a height and a width of at least 16')


@dataclass(frozen=True)
class _Job:
    """One sequence with all that is known before its frames are read."""

    footage: Footage
    framing: Framing
    splits: tuple[str, ...]


def simulate_footage(
    sources: Sequence[Path], out: Path, options: SimulateOptions, interpolator: Interpolator | None = None
) -> Path:
    """Build a data set from videos or folders of frames.

    Args:
        sources: videos, folders of pictures, folders of either.
        out: folder to make.
        options: how.
        interpolator: another method than optical flow.

    Returns:
        The folder of the data set.

    Raises:
        SpikeDataError: footage cannot be read or is too short, or `out` is in use.
        OptionError: an option is out of range or names no sequence.
    """
    capture = Capture(camera=SpikeCamera(options.threshold), has_noise=options.noise)
    schedule = Schedule.for_factor(options.factor, capture)
    method = interpolator or DisInterpolator(options.flow)
    with DatasetWriter(out, capture, overwrite=options.overwrite) as writer:
        jobs = _plan(find_footage(sources), schedule, options)
        with tqdm(total=sum(len(job.splits) for job in jobs), unit='exposure', disable=None) as progress:
            for job in jobs:
                for index, sample in _samples(job, capture, schedule, method, options.seed):
                    writer.put(job.splits[index - 1], job.footage.name, schedule.name(index), sample)
                    progress.update()
        parameters = asdict(options) | {'originals_per_exposure': schedule.originals}
        del parameters['seed'], parameters['overwrite']
        parameters['interpolator'] = type(method).__name__
        parameters['footage'] = {job.footage.name: _describe(job) for job in jobs}
        return writer.finish('spikereveal data simulate', options.seed, parameters)


def _plan(sequences: Sequence[Footage], schedule: Schedule, options: SimulateOptions) -> list[_Job]:
    """Settle each sequence's size and splits, so that mistakes show before the work starts."""
    counts = {item.name: schedule.check_length(str(item.path), item.num_frames) for item in sequences}
    splits = plan_split(counts, options.test)
    jobs = []
    for item in sequences:
        height, width = next(item.frames()).shape[:2]
        framing = framing_for(height, width, options.resize, str(item.path))
        if framing.is_cropping:
            _log.info(
                '%s: frames of %dx%d (height x width) are cut to their middle %dx%d, multiples of 16',
                *(item.path, framing.resized_height, framing.resized_width, framing.height, framing.width),
            )
        jobs.append(_Job(item, framing, splits[item.name]))
    return jobs


def _samples(
    job: _Job, capture: Capture, schedule: Schedule, method: Interpolator, seed: int
) -> Iterator[tuple[int, Sample]]:
    """Yield each finished exposure of a sequence with its index, from 1 on; at most two are open at once."""
    starts = {schedule.first_readout(index): index for index in range(1, len(job.splits) + 1)}
    builders: dict[int, ExposureBuilder] = {}
    for readout, frame in _stream(job, schedule, method):
        if index := starts.pop(readout, 0):
            generator = torch_generator(seed, job.footage.name, schedule.name(index))
            builders[index] = ExposureBuilder(capture, job.framing.height, job.framing.width, generator)
        light = sensor_light(frame, capture.ratio)
        for builder in builders.values():
            builder.add(frame, light)
        for index in [index for index, builder in builders.items() if builder.is_complete]:
            yield index, builders.pop(index).finish()
        if not starts and not builders:
            return


def _stream(job: _Job, schedule: Schedule, method: Interpolator) -> Iterator[tuple[int, Frame]]:
    """Yield each readout's index and frame, from the last original before the first window on."""
    first_original = schedule.first_readout(1) // schedule.factor
    frames = map(job.framing, islice(job.footage.frames(), first_original, None))
    readout = first_original * schedule.factor
    first = next(frames)
    for second in frames:
        for frame in method(first, second, schedule.factor):
            yield readout, frame
            readout += 1
        first = second
    yield readout, first


def _describe(job: _Job) -> dict[str, Any]:
    framing = job.framing
    return {
        'file': job.footage.path.name,
        'frames': job.footage.num_frames,
        'resized': [framing.resized_height, framing.resized_width],
        'size': [framing.height, framing.width],
    }
