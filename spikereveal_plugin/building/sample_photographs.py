"""A small data set that needs no download: photographs from scikit-image's wheel, moved along camera shakes."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

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
from spikereveal_plugin.building.sample_records import SampleRecords
from spikereveal_plugin.building.shake import draw_trajectory, shaken_frames
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.physics.simulate import SpikeCamera
from spikereveal_plugin.recordings.image_file import load_image
from spikereveal_plugin.recordings.light import sensor_light
from spikereveal_plugin.recordings.manifest import BuildPlan
from spikereveal_plugin.seeding import numpy_generator, torch_generator

TRAIN_PHOTOS = ('astronaut.png', 'rocket.jpg', 'motorcycle_left.png', 'ihc.png', 'hubble_deep_field.jpg')
TEST_PHOTOS = ('coffee.png', 'chelsea.png')


@dataclass(frozen=True)
class SampleOptions:
    """How the photographs become a data set.

    Args:
        train: number of training samples, spread over five photographs.
        test: number of test samples, spread over two others.
        height: of the images, a multiple of 16.
        width: of the images, a multiple of 16.
        zoom: enlargement of the photographs; at 2 the sensor sees about as little detail a pixel as in real footage.
        travel: (shortest, longest) path of the view during an exposure, in pixels.
        max_degrees: bound of the view's turn to either side.
        threshold: of the spike camera; a white pixel fires at every `threshold`-th readout.
        noise: add the spikes that a sensor fires by itself.
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
    seed: int = 0
    overwrite: bool = False
    workers: int = 1

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        if min(self.train, self.test) < 1:
            raise OptionError(f'{self.train} training and {self.test} test samples: expected at least one of each')
        if min(self.height, self.width) < MULTIPLE or self.height % MULTIPLE or self.width % MULTIPLE:
            raise OptionError(f'size {self.height}x{self.width}: expected multiples of {MULTIPLE}')
        if not 1 <= self.zoom <= 8:
            raise OptionError(f'zoom {self.zoom}: expected a number from 1 to 8')
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
        SpikeDataError: a photograph is not in the installed scikit-image, or `out` is in use.
    """
    capture = Capture(camera=SpikeCamera(options.threshold), has_noise=options.noise)
    folder = _photo_folder()
    photographs = [
        _View(split, folder / photo, name)
        for split, count, photos in (('train', options.train, TRAIN_PHOTOS), ('test', options.test, TEST_PHOTOS))
        for photo, name in _assign(count, photos)
    ]
    parameters = {**asdict(options), 'photographs': [*TRAIN_PHOTOS, *TEST_PHOTOS]}
    for name in ('seed', 'overwrite', 'workers'):
        del parameters[name]
    plan = BuildPlan('spikereveal data sample', options.seed, parameters, capture.as_json())
    with DatasetWriter(out, plan, overwrite=options.overwrite) as writer:
        tasks = [view for view in photographs if not writer.has(view.split, view.photo.stem, view.name)]
        work = _ViewWork(writer.records, capture, options)
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

    def __call__(self, view: _View) -> Iterator[None]:
        photo = _read_photo(view.photo, self.options.zoom)
        sample = _shake(photo, view.photo.stem, view.name, self.capture, self.options)
        self.records.put(view.split, f'{view.photo.stem}/{view.name}', sample)
        yield


@lru_cache(maxsize=8)
def _read_photo(path: Path, zoom: float) -> Image:
    return _enlarge(load_image(path), zoom)


def _assign(count: int, photos: Sequence[str]) -> list[tuple[str, str]]:
    """Deal `count` samples to the photographs in turn; pairs of photograph and sample name."""
    return [(photos[index % len(photos)], f'{index // len(photos):06d}') for index in range(count)]


def _shake(photo: Image, sequence: str, name: str, capture: Capture, options: SampleOptions) -> Sample:
    """Record one shaken photograph."""
    motion = numpy_generator(options.seed, sequence, name, 'motion')
    speed = motion.uniform(*options.travel) / (capture.exposure.length - 1)
    trajectory = draw_trajectory(capture.num_readouts, speed, options.max_degrees, motion)
    sensor = torch_generator(options.seed, sequence, name)
    builder = ExposureBuilder(capture, options.height, options.width, sensor)
    for frame in shaken_frames(photo, options.height, options.width, trajectory, motion):
        builder.add(frame, sensor_light(frame, capture.ratio))
    return builder.finish()


def _enlarge(photo: Image, zoom: float) -> Image:
    if zoom == 1:
        return photo
    return cv2.resize(photo, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)


def _photo_folder() -> Path:
    """Folder of the pictures inside the installed scikit-image; nothing is imported, so nothing is fetched."""
    spec = find_spec('skimage')
    if spec is None or spec.origin is None:
        raise SpikeDataError('scikit-image is not installed, and its photographs are needed; pip install scikit-image')
    return Path(spec.origin).parent / 'data'
