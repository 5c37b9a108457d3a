"""A data set of photographs set in motion: along camera shakes, or as layers of scenes; it needs no download."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from spikereveal_plugin.building.build_pool import run_tasks
from spikereveal_plugin.building.dataset_writer import DatasetWriter
from spikereveal_plugin.building.exposure_builder import (
    Capture,
    ExposureBuilder,
    Image,
    Sample,
    check_threshold,
)
from spikereveal_plugin.building.framing import MULTIPLE
from spikereveal_plugin.building.photographs import read_photo, split_photos
from spikereveal_plugin.building.sample_records import SampleRecords
from spikereveal_plugin.building.scene import Stage, draw_scene
from spikereveal_plugin.building.shake import draw_trajectory, shaken_frames
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.physics.simulate import SpikeCamera
from spikereveal_plugin.recordings.light import sensor_light
from spikereveal_plugin.recordings.manifest import BuildPlan
from spikereveal_plugin.seeding import numpy_generator, torch_generator

LONGEST = 1600  # pixels: larger photographs are reduced before scenes take parts of them


MOST: Final = 10_000_000  # samples of a split


@dataclass(frozen=True)
class SampleOptions:
    """How the photographs become a data set.

    Args:
        train: number of training samples, spread over the photographs of that split.
        test: number of test samples, spread over others.
        height: of the images, a multiple of 16.
        width: of the images, a multiple of 16.
        zoom: enlargement of the photographs; at 2 the sensor sees about as little detail a pixel as in real footage.
        travel: (shortest, longest) path of the view during an exposure, in pixels.
        max_degrees: bound of the view's turn to either side.
        threshold: of the spike camera; a white pixel fires at every `threshold`-th readout.
        noise: add the spikes that a sensor fires by itself.
        photos: pictures or folders of them; each fifth is the test split's. Empty: those of scikit-image.
        motion: 'shake', each photograph seen by an unsteady camera, or 'layers', scenes of a background and objects
            before it, which move on paths of their own under still and moving cameras; zoom, travel and max_degrees are
            those of shakes.
        train_sequences: keep sharp frames of training samples too, for training with labels.
        seed: of paths, the sensor's start and its noise.
        overwrite: replace a data set that exists.
        workers: processes; the result does not depend on their number.
    """

    train: int = 48
    test: int = 6
    height: int = 256
    width: int = 384
    zoom: float = 2.0
    travel: tuple[float, float] = (40.0, 60.0)
    max_degrees: float = 1.5
    threshold: float = 2.0
    noise: bool = True
    photos: tuple[Path, ...] = ()
    motion: Literal['shake', 'layers'] = 'shake'
    train_sequences: bool = False
    seed: int = 0
    overwrite: bool = False
    workers: int = 1

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        if min(self.train, self.test) < 1 or max(self.train, self.test) > MOST:
            raise OptionError(
                f'{self.train} training and {self.test} test samples: expected at least one of each, up to {MOST}'
            )
        if min(self.height, self.width) < MULTIPLE or self.height % MULTIPLE or self.width % MULTIPLE:
            raise OptionError(f'size {self.height}x{self.width}: expected multiples of {MULTIPLE}')
        if not 1 <= self.zoom <= 8:
            raise OptionError(f'zoom {self.zoom}: expected a number from 1 to 8')
        if self.motion not in ('shake', 'layers'):
            raise OptionError(f'motion {self.motion!r}: expected shake or layers')
        if self.workers < 1:
            raise OptionError(f'workers {self.workers}: expected 1 or more')
        if not 0 < self.travel[0] <= self.travel[1]:
            raise OptionError(f'travel {self.travel}: expected the shortest path, above 0, and then the longest')


def sample_photographs(out: Path, options: SampleOptions) -> Path:
    """Build the data set; given again, it goes on where it was stopped.

    Args:
        out: folder to make.
        options: how.

    Returns:
        The folder of the data set.

    Raises:
        SpikeDataError: a photograph is missing or no picture, or `out` is in use.
    """
    capture = Capture(camera=SpikeCamera(options.threshold), has_noise=options.noise)
    photos = split_photos(options.photos)
    photographs = [
        _View(split, photo, name)
        for split, count in (('train', options.train), ('test', options.test))
        for photo, name in _assign(count, photos[split])
    ]
    parameters = {**asdict(options), 'photographs': [photo.name for split in photos.values() for photo in split]}
    for name in ('seed', 'overwrite', 'workers', 'photos'):
        del parameters[name]
    plan = BuildPlan('spikereveal data sample', options.seed, parameters, capture.as_json())
    with DatasetWriter(out, plan, overwrite=options.overwrite) as writer:
        tasks = [view for view in photographs if not writer.has(view.split, view.photo.stem, view.name)]
        work = _ViewWork(writer.records, capture, options, photos)
        run_tasks(work, tasks, options.workers, total=len(photographs), finished=len(photographs) - len(tasks))
        return writer.finish()


@dataclass(frozen=True)
class _View:
    """One sample to make."""

    split: str
    photo: Path
    name: str


@dataclass(frozen=True)
class _ViewWork:
    """Make a sample and keep it; a worker's task."""

    records: SampleRecords
    capture: Capture
    options: SampleOptions
    photos: Mapping[str, Sequence[Path]]

    def __call__(self, view: _View) -> Iterator[None]:
        motion = numpy_generator(self.options.seed, view.photo.stem, view.name, 'motion')
        sample = self._record(
            view, self._layers(view, motion) if self.options.motion == 'layers' else self._shake(view, motion)
        )
        key = f'{view.photo.stem}/{view.name}'
        self.records.put(view.split, key, sample, keeps_sequence=self.options.train_sequences)
        yield

    def _shake(self, view: _View, motion: np.random.Generator) -> Iterator[Image]:
        """The frames of one shaken photograph."""
        options, capture = self.options, self.capture
        speed = motion.uniform(*options.travel) / (capture.exposure.length - 1)
        trajectory = draw_trajectory(capture.num_readouts, speed, options.max_degrees, motion)
        photo = _enlarged(view.photo, options.zoom)
        return shaken_frames(photo, options.height, options.width, trajectory, motion)

    def _layers(self, view: _View, motion: np.random.Generator) -> Iterator[Image]:
        """The frames of a scene whose background is the photograph; its objects are of any of the split's."""
        background = read_photo(view.photo, LONGEST)
        others = [read_photo(photo, LONGEST) for photo in self.photos[view.split]]
        options, capture = self.options, self.capture
        stage = Stage(options.height, options.width, capture.num_readouts, capture.exposure.length)
        scene = draw_scene(background, others, stage, motion)
        return scene.frames()

    def _record(self, view: _View, frames: Iterator[Image]) -> Sample:
        sensor = torch_generator(self.options.seed, view.photo.stem, view.name)
        builder = ExposureBuilder(self.capture, self.options.height, self.options.width, sensor)
        for frame in frames:
            builder.add(frame, sensor_light(frame, self.capture.ratio))
        return builder.finish()


@lru_cache(maxsize=8)
def _enlarged(path: Path, zoom: float) -> Image:
    return _enlarge(read_photo(path), zoom)


def _assign(count: int, photos: Sequence[Path]) -> list[tuple[Path, str]]:
    """Deal `count` samples to the photographs in turn; pairs of photograph and sample name."""
    return [(photos[index % len(photos)], f'{index // len(photos):06d}') for index in range(count)]


def _enlarge(photo: Image, zoom: float) -> Image:
    if zoom == 1:
        return photo
    return cv2.resize(photo, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
