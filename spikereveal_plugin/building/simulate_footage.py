"""A data set from videos: frames interpolated, averaged into blur and read by a simulated spike camera (Sec. 7)."""

import hashlib
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from spikereveal_plugin.building.build_pool import run_tasks
from spikereveal_plugin.building.dataset_writer import DatasetWriter
from spikereveal_plugin.building.exposure_builder import Capture, check_threshold
from spikereveal_plugin.building.exposure_runs import ExposureWork, SequencePlan, plan_runs, share_out, without_finished
from spikereveal_plugin.building.footage import Footage, find_footage
from spikereveal_plugin.building.framing import MULTIPLE, framing_for
from spikereveal_plugin.building.interpolate import DisInterpolator, Interpolator, Preset
from spikereveal_plugin.building.rife import RifeInterpolator
from spikereveal_plugin.building.schedule import Schedule, plan_split
from spikereveal_plugin.building.sensor_maps import load_pattern
from spikereveal_plugin.building.xvfi import XvfiInterpolator, identity
from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.physics.simulate import SpikeCamera
from spikereveal_plugin.recordings.manifest import BuildPlan

LARGEST_RATIO: Final = 16
_NOT_IN_BYTES = ('seed', 'overwrite', 'workers', 'shard', 'interpolator_weights')  # stated apart, or changing no sample
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
        interpolator: what makes the frames between: 'dis', optical flow, or the networks 'rife' and 'xvfi'.
        interpolator_weights: the checkpoint of 'xvfi', which is the authors' own.
        ratio: image pixels to a spike pixel along a side; 4 as published.
        linear_light: undo the frames' sRGB curve before light is averaged and integrated.
        dark_current: what a pixel collects in the dark, in units of full light.
        shot_electrons: electrons that full light frees in one readout, for shot noise; 0 turns it off.
        fixed_pattern: an `.npz` of per-pixel maps (`sensor_maps.load_pattern`), or None.
        overwrite: replace a data set that exists.
        interpolated: the footage holds the frames between already, `factor` to an original one.
        workers: processes; the result does not depend on their number.
        shard: (i, n): make the part i of n, from 1 on; `merge_sets` joins the parts.
    """

    factor: int = 8
    threshold: float = 1.0
    noise: bool = True
    seed: int = 0
    test: tuple[str, ...] = ()
    resize: tuple[int, int] | None = None
    flow: Preset = 'medium'
    interpolator: Literal['dis', 'rife', 'xvfi'] = 'dis'
    interpolator_weights: Path | None = None
    ratio: int = RATIO
    linear_light: bool = False
    dark_current: float = 0.0
    shot_electrons: float = 0.0
    fixed_pattern: Path | None = None
    overwrite: bool = False
    interpolated: bool = False
    workers: int = 1
    shard: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        if self.resize is not None and min(self.resize) < 1:
            raise OptionError(f'resize {self.resize}: expected a height and a width of at least 16')
        if not 1 <= self.ratio <= LARGEST_RATIO:
            raise OptionError(f'ratio {self.ratio}: expected image pixels to a spike pixel, 1 to {LARGEST_RATIO}')
        if self.interpolator not in ('dis', 'rife', 'xvfi'):
            raise OptionError(f'interpolator {self.interpolator!r}: expected dis, rife or xvfi')
        if (self.interpolator == 'xvfi') != (self.interpolator_weights is not None):
            raise OptionError(
                "interpolator_weights: the authors' checkpoint goes with the interpolator xvfi, and only with it"
            )
        self.camera()
        if self.workers < 1:
            raise OptionError(f'workers {self.workers}: expected 1 or more')
        if not 1 <= self.shard[0] <= self.shard[1]:
            raise OptionError(f'shard {self.shard[0]}/{self.shard[1]}: expected i/n with i from 1 to n')

    def camera(self) -> SpikeCamera:
        """Return the spike camera that the options describe.

        Raises:
            OptionError: one of its constants is out of range.
        """
        try:
            return SpikeCamera(self.threshold, dark_current=self.dark_current, shot_electrons=self.shot_electrons)
        except ValueError as error:
            raise OptionError(str(error)) from None


def simulate_footage(
    sources: Sequence[Path], out: Path, options: SimulateOptions, interpolator: Interpolator | None = None
) -> Path:
    """Build a data set from videos or folders of frames; given again, it goes on where it was stopped.

    Args:
        sources: videos, folders of pictures, folders of either.
        out: folder to make.
        options: how.
        interpolator: another method than optical flow; several workers must be able to pickle it.

    Returns:
        The folder of the data set.

    Raises:
        SpikeDataError: footage cannot be read or is too short, `out` is in use, or the disk is full.
        OptionError: an option is out of range or names no sequence.
    """
    capture = Capture(
        ratio=options.ratio,
        camera=options.camera(),
        has_noise=options.noise,
        pattern=load_pattern(options.fixed_pattern) if options.fixed_pattern else None,
        linear_light=options.linear_light,
    )
    schedule = Schedule.for_factor(options.factor, capture, is_interpolated=options.interpolated)
    method = _Given(interpolator) if interpolator else interpolator_maker(options)
    sequences = _plan_sequences(find_footage(sources), schedule, options)
    _check_pattern(capture, sequences, options)
    plan = _plan_build(sequences, schedule, options, capture, method)
    runs = plan_runs(sequences, options.shard)
    with DatasetWriter(out, plan, overwrite=options.overwrite) as writer:

        def is_finished(sequence: SequencePlan, index: int) -> bool:
            return writer.has(sequence.splits[index - 1], sequence.footage.name, schedule.name(index))

        tasks = [rest for run in runs for rest in without_finished(run, partial(is_finished, run.sequence))]
        work = ExposureWork(writer.records, capture, schedule, options.seed, method)
        total, left = (sum(len(run.indices) for run in some) for some in (runs, tasks))
        run_tasks(work, share_out(tasks, options.workers), options.workers, total=total, finished=total - left)
        return writer.finish()


def interpolator_maker(options: SimulateOptions) -> Callable[[], Interpolator]:
    """Return what makes the interpolation method in each worker; it can be pickled."""
    if options.interpolator_weights is not None:
        return partial(XvfiInterpolator, options.interpolator_weights)
    return RifeInterpolator if options.interpolator == 'rife' else partial(DisInterpolator, options.flow)


@dataclass(frozen=True)
class _Given:
    """Return the method that the caller gave."""

    method: Interpolator

    def __call__(self) -> Interpolator:
        return self.method


def _plan_sequences(footage: Sequence[Footage], schedule: Schedule, options: SimulateOptions) -> list[SequencePlan]:
    """Settle each sequence's size and splits, so that mistakes show before the work starts."""
    counts = {item.name: schedule.check_length(str(item.path), item.num_frames) for item in footage}
    splits = plan_split(counts, options.test)
    sequences = []
    for item in sorted(footage, key=lambda item: item.name):
        height, width = next(item.frames()).shape[:2]
        framing = framing_for(height, width, options.resize, str(item.path), math.lcm(MULTIPLE, 4 * options.ratio))
        if framing.is_cropping:
            _log.info(
                '%s: frames of %dx%d (height x width) are cut to their middle %dx%d, multiples of %d',
                *(item.path, framing.resized_height, framing.resized_width, framing.height, framing.width),
                math.lcm(MULTIPLE, 4 * options.ratio),
            )
        sequences.append(SequencePlan(item, framing, splits[item.name]))
    return sequences


def _check_pattern(capture: Capture, sequences: Sequence[SequencePlan], options: SimulateOptions) -> None:
    """Refuse maps that are smaller than the sensor, before the work starts."""
    pattern = capture.pattern
    if pattern is None:
        return
    for item in sequences:
        try:
            pattern.middle(item.framing.height // capture.ratio, item.framing.width // capture.ratio)
        except ValueError as error:
            remedy = 'use a smaller --resize or a larger --ratio'
            raise SpikeDataError(f'{options.fixed_pattern}, for {item.footage.path}: {error}; {remedy}') from None


def _plan_build(
    sequences: Sequence[SequencePlan],
    schedule: Schedule,
    options: SimulateOptions,
    capture: Capture,
    method: Callable[[], Interpolator],
) -> BuildPlan:
    parameters = {name: value for name, value in asdict(options).items() if name not in _NOT_IN_BYTES}
    parameters |= {
        'test': sorted(options.test),
        'fixed_pattern': options.fixed_pattern and _describe_file(options.fixed_pattern),
        'originals_per_exposure': schedule.originals,
        'interpolator': None if options.interpolated else _describe_method(options, method),
        'footage': {item.footage.name: _describe(item) for item in sequences},
    }
    return BuildPlan('spikereveal data simulate', options.seed, parameters, capture.as_json(), options.shard)


def _describe_method(options: SimulateOptions, method: Callable[[], Interpolator]) -> str:
    name = type(method()).__name__
    return f'{name}, {identity(options.interpolator_weights)}' if options.interpolator_weights else name


def _describe_file(path: Path) -> dict[str, str]:
    return {'file': path.name, 'sha256': hashlib.sha256(path.read_bytes()).hexdigest()}


def _describe(sequence: SequencePlan) -> dict[str, Any]:
    footage, framing = sequence.footage, sequence.framing
    return {
        'file': footage.path.name,
        'bytes': footage.num_bytes,
        'frames': footage.num_frames,
        'resized': [framing.resized_height, framing.resized_width],
        'size': [framing.height, framing.width],
    }
