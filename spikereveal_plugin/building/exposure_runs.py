"""Neighbouring exposures of one sequence: what one worker makes in one go, its frames streamed (method, Sec. 7)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from spikereveal_plugin.building.exposure_builder import Capture, ExposureBuilder, Sample
from spikereveal_plugin.building.footage import Footage
from spikereveal_plugin.building.framing import Framing
from spikereveal_plugin.building.interpolate import Interpolator
from spikereveal_plugin.building.sample_records import SampleRecords
from spikereveal_plugin.building.schedule import Schedule
from spikereveal_plugin.recordings.light import Frame, sensor_light
from spikereveal_plugin.seeding import torch_generator

RUN_LENGTH = 6
"""Exposures of a run: each run interpolates 33 readouts of its neighbour again, 5 % of 6 x 104."""


@dataclass(frozen=True)
class SequencePlan:
    """One sequence with all that is known before its frames are read; `splits` is by exposure, from number 1 on."""

    footage: Footage
    framing: Framing
    splits: tuple[str, ...]


@dataclass(frozen=True)
class ExposureRun:
    """Exposures `indices` of a sequence, without a gap."""

    sequence: SequencePlan
    indices: tuple[int, ...]


def plan_runs(sequences: Sequence[SequencePlan], shard: tuple[int, int]) -> list[ExposureRun]:
    """Cut sequences into runs and return those that fall to shard `i` of `n`, dealt in turn."""
    runs = []
    for sequence in sequences:
        last = len(sequence.splits)
        for first in range(1, last + 1, RUN_LENGTH):
            runs.append(ExposureRun(sequence, tuple(range(first, min(first + RUN_LENGTH, last + 1)))))
    return runs[shard[0] - 1 :: shard[1]]


def without_finished(run: ExposureRun, is_finished: Callable[[int], bool]) -> list[ExposureRun]:
    """Return what is left of a run, as runs without gaps."""
    groups: list[list[int]] = []
    for index in run.indices:
        if is_finished(index):
            continue
        if groups and groups[-1][-1] == index - 1:
            groups[-1].append(index)
        else:
            groups.append([index])
    return [ExposureRun(run.sequence, tuple(group)) for group in groups]


def share_out(runs: Sequence[ExposureRun], workers: int) -> list[ExposureRun]:
    """Halve the longest runs until each worker has one."""
    shared = list(runs)
    while shared and len(shared) < workers:
        longest = max(shared, key=lambda run: len(run.indices))
        half = len(longest.indices) // 2
        if not half:
            break
        place = shared.index(longest)
        parts = (longest.indices[:half], longest.indices[half:])
        shared[place : place + 1] = [ExposureRun(longest.sequence, part) for part in parts]
    return shared


@dataclass(frozen=True)
class ExposureWork:
    """Make the samples of a run and keep each; a worker's task.

    Args:
        records: where samples go.
        capture: how they are recorded.
        schedule: which frames make which exposure.
        seed: of the sensor's start and noise.
        make_interpolator: called in the worker, since few methods can be pickled.
    """

    records: SampleRecords
    capture: Capture
    schedule: Schedule
    seed: int
    make_interpolator: Callable[[], Interpolator]

    def __call__(self, run: ExposureRun) -> Iterator[None]:
        """Yield after each sample that was kept."""
        for index, sample in self.samples(run):
            key = f'{run.sequence.footage.name}/{self.schedule.name(index)}'
            self.records.put(run.sequence.splits[index - 1], key, sample)
            yield

    def samples(self, run: ExposureRun) -> Iterator[tuple[int, Sample]]:
        """Yield each finished exposure with its index; at most two are open at once."""
        framing, name = run.sequence.framing, run.sequence.footage.name
        starts = {self.schedule.first_readout(index): index for index in run.indices}
        builders: dict[int, ExposureBuilder] = {}
        for readout, frame in self._stream(run):
            if index := starts.pop(readout, 0):
                generator = torch_generator(self.seed, name, self.schedule.name(index))
                builders[index] = ExposureBuilder(self.capture, framing.height, framing.width, generator)
            if builders:
                light = sensor_light(frame, self.capture.ratio, linear_light=self.capture.linear_light)
            for builder in builders.values():
                builder.add(frame, light)
            for index in [index for index, builder in builders.items() if builder.is_complete]:
                yield index, builders.pop(index).finish()
            if not starts and not builders:
                return

    def _stream(self, run: ExposureRun) -> Iterator[tuple[int, Frame]]:
        """Yield each readout's index and frame, from the last stored frame before the first window on."""
        step, interpolate = self.schedule.frame_step, self.make_interpolator()
        first_frame = self.schedule.first_readout(run.indices[0]) // step
        frames = map(run.sequence.framing, run.sequence.footage.frames(first_frame))
        readout = first_frame * step
        first = next(frames)
        for second in frames:
            for frame in interpolate(first, second, step) if step > 1 else (first,):
                yield readout, frame
                readout += 1
            first = second
        yield readout, first
