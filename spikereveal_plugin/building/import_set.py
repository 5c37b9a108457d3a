"""A data set from recordings: images and spikes that exist, with the exposure written in."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin.building.build_pool import run_tasks
from spikereveal_plugin.building.dataset_writer import DatasetWriter
from spikereveal_plugin.building.exposure_builder import Sample
from spikereveal_plugin.building.sample_records import SampleRecords
from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.recordings.calibration import Calibration
from spikereveal_plugin.recordings.find_recordings import Pairs, Recording
from spikereveal_plugin.recordings.image_file import image_size, load_image
from spikereveal_plugin.recordings.manifest import BuildPlan
from spikereveal_plugin.recordings.rig import Rig
from spikereveal_plugin.recordings.spike_file import SpikeLayout, load_spikes, sensor_from_config

Image = npt.NDArray[np.uint8]
Spikes = npt.NDArray[np.bool_]
_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class ImportOptions:
    """How recordings become a data set.

    Args:
        exposure: readouts inside the exposure; None: the calibration's, or else the whole stream.
        layout: what the spike files do not say themselves; a `.dat` without a size has the image's over `ratio`.
        ratio: image pixels to a spike pixel along a side.
        calibration: how images lie on the sensor; None: they are aligned already.
        test: sequences that form the test split.
        overwrite: replace a data set that exists.
        workers: processes; the result does not depend on their number.
        num_readouts: what each stream must have, where that is known.
    """

    exposure: Exposure | None = None
    layout: SpikeLayout = field(default_factory=SpikeLayout)
    ratio: int = RATIO
    calibration: Calibration | None = None
    test: tuple[str, ...] = ()
    overwrite: bool = False
    workers: int = 1
    num_readouts: int | None = None

    def __post_init__(self) -> None:
        if self.ratio < 1:
            raise OptionError(f'ratio {self.ratio}: expected 1 or more image pixels to a spike pixel')


def import_recordings(sources: Sequence[Pairs], out: Path, source: str, options: ImportOptions) -> Path:
    """Build a data set from recordings; given again, it goes on where it was stopped.

    Args:
        sources: the recordings.
        out: folder to make.
        source: the command, for the manifest.
        options: how.

    Returns:
        The folder of the data set.

    Raises:
        SpikeDataError: a file cannot be read, image and spikes do not fit, or `out` is in use.
        OptionError: `test` names no sequence.
    """
    recordings = _split([recording for item in sources for recording in item.recordings], options.test)
    _say_what_is_left_out(sources)
    with DatasetWriter(out, plan_of(recordings, source, options), overwrite=options.overwrite) as writer:
        left = [item for item in recordings if not writer.has(item.split, item.sequence, item.name)]
        work = ImportWork(writer.records, options)
        run_tasks(work, left, options.workers, total=len(recordings), finished=len(recordings) - len(left))
        return writer.finish()


@dataclass(frozen=True)
class ImportWork:
    """Read one recording and keep it; a worker's task."""

    records: SampleRecords
    options: ImportOptions

    def __call__(self, recording: Recording) -> Iterator[None]:
        """Yield once the sample is kept."""
        self.records.put(recording.split, recording.key, read_recording(recording, self.options))
        yield


def read_recording(recording: Recording, options: ImportOptions) -> Sample:
    """Read image, spikes and ground truth of one recording, aligned.

    Raises:
        SpikeDataError: a file cannot be read, or they do not fit each other.
    """
    image = load_image(recording.image)
    spikes = load_spikes(recording.spikes, _layout(recording, options))
    exposure = _exposure(recording, len(spikes), options)
    paths = [path for path in (recording.sharp, *recording.sharp_frames.values()) if path]
    others = [load_image(path) for path in paths]
    for path, other in zip(paths, others, strict=True):
        if other.shape != image.shape:
            sizes = f'{other.shape[0]}x{other.shape[1]}, but {recording.image} is {image.shape[0]}x{image.shape[1]}'
            raise SpikeDataError(f'{path}: {sizes} (height x width); sharp and blurry images have one size')
    images, spikes = _aligned([image, *others], spikes, recording, options)
    sharp = images[1] if recording.sharp else None
    frames = dict(zip(recording.sharp_frames, images[2:], strict=True))
    return Sample(images[0], spikes, exposure, sharp, frames)


def _layout(recording: Recording, options: ImportOptions) -> SpikeLayout:
    """Give a `.dat` of unknown sensor the size of the calibration, or of the image over the ratio."""
    layout = options.layout
    if layout.sensor or recording.spikes.suffix.lower() != '.dat' or sensor_from_config(recording.spikes):
        return layout
    height, width = image_size(recording.image)
    sensor = (height // options.ratio, width // options.ratio)
    if options.calibration:
        sensor = options.calibration.sensor_size
    elif height % options.ratio or width % options.ratio:
        raise SpikeDataError(
            f'{recording.image}: {height}x{width} is not {options.ratio} times a whole sensor size; give --height and '
            f'--width of the sensor, or another --ratio'
        )
    return replace(layout, height=sensor[0], width=sensor[1])


def _exposure(recording: Recording, num_readouts: int, options: ImportOptions) -> Exposure:
    given = options.exposure
    if given is None and options.calibration:
        given = Exposure(options.calibration.first, options.calibration.length)
    exposure = given or Exposure(0, num_readouts)
    if options.num_readouts not in (None, num_readouts):
        raise SpikeDataError(
            f'{recording.spikes}: {num_readouts} readouts, the release has {options.num_readouts} a file; is it '
            f'damaged? Download it again, or import other recordings with: spikereveal data import folder'
        )
    if exposure.stop > num_readouts:
        raise SpikeDataError(
            f'{recording.spikes}: {num_readouts} readouts, the exposure ends at readout {exposure.stop}; '
            f'give --exposure FIRST LENGTH that lies in it'
        )
    return exposure


def _aligned(
    images: list[Image], spikes: Spikes, recording: Recording, options: ImportOptions
) -> tuple[list[Image], Spikes]:
    """Bring images onto the sensor's grid, and cut both to what both see."""
    sensor, ratio, calibration = spikes.shape[1:], options.ratio, options.calibration
    if calibration is None:
        expected = (ratio * sensor[0], ratio * sensor[1])
        if images[0].shape[:2] != expected:
            raise SpikeDataError(
                f'{recording.image}: {images[0].shape[0]}x{images[0].shape[1]} pixels on a sensor of '
                f'{sensor[0]}x{sensor[1]}, expected {expected[0]}x{expected[1]} (ratio {ratio}); give --ratio, or '
                f'--calibration, made by: spikereveal data align'
            )
        return images, spikes
    rig = Rig(calibration, ratio)
    return [rig.photo(image, recording.image) for image in images], rig.spikes(spikes, recording.spikes)


def _split(recordings: list[Recording], test: tuple[str, ...]) -> list[Recording]:
    sequences = {recording.sequence for recording in recordings}
    if unknown := sorted(set(test) - sequences):
        raise OptionError(f'test sequence {unknown[0]!r} is not among {", ".join(sorted(sequences)[:20])}')
    moved = [replace(item, split='test') if item.sequence in test else item for item in recordings]
    keys: dict[tuple[str, str], Recording] = {}
    for item in moved:
        if (item.split, item.key) in keys:
            raise SpikeDataError(
                f'{item.image} and {keys[item.split, item.key].image} would both be {item.key}; rename one'
            )
        keys[item.split, item.key] = item
    return moved


def _say_what_is_left_out(sources: Sequence[Pairs]) -> None:
    for name, paths in (
        ('images without spikes', [path for item in sources for path in item.without_spikes]),
        ('spike files without an image', [path for item in sources for path in item.without_image]),
    ):
        if paths:
            _log.info('%d %s are left out, such as %s', len(paths), name, paths[0])


def plan_of(recordings: Sequence[Recording], source: str, options: ImportOptions) -> BuildPlan:
    """State what decides the bytes of a set: each file by name, size and time of change, and the options."""
    listing = hashlib.sha256()
    for recording in recordings:
        for path in recording.files():
            state = path.stat()
            listing.update(
                f'{recording.split}/{recording.key} {path.name} {state.st_size} {state.st_mtime_ns}\n'.encode()
            )
    parameters = {
        'exposure': options.exposure and [options.exposure.first, options.exposure.length],
        'layout': asdict(options.layout),
        'calibration': options.calibration and asdict(options.calibration),
        'recordings': len(recordings),
        'files': listing.hexdigest(),
    }
    return BuildPlan(source, 0, parameters, {'ratio': options.ratio, 'opencv': cv2.__version__})
