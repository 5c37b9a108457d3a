"""What there is to restore: a pair, folders of pairs, a recording of many exposures, a data set, or spikes alone."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.names import natural_order
from spikereveal_plugin.inference.clip import Size, SpikeClip, read_clip
from spikereveal_plugin.inference.timing import Timing
from spikereveal_plugin.recordings.layout import Split, find_split_of
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.recordings.photo import PHOTO_SUFFIXES, Photo, load_photo
from spikereveal_plugin.recordings.rig import Rig
from spikereveal_plugin.recordings.sources import files_by_key
from spikereveal_plugin.recordings.spike_file import SPIKE_SUFFIXES, SpikeLayout

_log = logging.getLogger('spikereveal')
ClipReader = Callable[[Size | None, int], SpikeClip]


@dataclass(frozen=True)
class Job:
    """One photo with its spikes, read when needed.

    Args:
        name: names the output; may hold `/`.
        photo: reads the photo; None where there are spikes alone.
        clip: reads the spikes, given the photo's (H, W), or None, and how many readouts to read around the exposure.
    """

    name: str
    photo: Callable[[], Photo] | None
    clip: ClipReader


@dataclass(frozen=True)
class ReadOptions:
    """How spike files are read, when their photos were exposed, and, where it is known, how these lie on the sensor."""

    layout: SpikeLayout = field(default_factory=SpikeLayout)
    timing: Timing = field(default_factory=Timing)
    rig: Rig | None = None


def find_jobs(blur: Path | None, spikes: Path, reading: ReadOptions) -> list[Job]:
    """List what two paths of a command line stand for.

    Args:
        blur: a photo or a folder of photos; None for a data set of this package or for spikes alone.
        spikes: a spike file, a folder of them named like the photos, or a data set of this
            package or a split of one: of a set its split `test`.
        reading: how to read the spikes.

    Raises:
        SpikeDataError: a path is missing, the two look swapped, or nothing belongs together.
        OptionError: a recording of many photos, and nothing says when each was exposed.
    """
    for path in (blur, spikes):
        if path is not None and not path.exists():
            raise SpikeDataError(f'{path}: no such file or folder')
    if blur is None:
        split = find_split_of(spikes, 'test', 'train')
        if reading.rig:
            raise OptionError(
                f'--calibration: {spikes} is {"a data set, aligned" if split else "spikes alone"}; leave it out'
            )
        return _data_set_jobs(split, reading) if split else _preview_jobs(spikes, reading)
    refuse_swapped(blur, spikes)
    if blur.is_file() and spikes.is_file():
        return [_job(blur.stem, blur, spikes, reading, reading.timing.single())]
    if blur.is_file():
        raise SpikeDataError(f'{blur} is one photo, {spikes} a folder; name the spike file that belongs to the photo')
    photos = _files(blur, PHOTO_SUFFIXES, 'photo')
    if spikes.is_file():
        exposures = reading.timing.recording(list(photos))
        return [_job(name, photos[name], spikes, reading, exposure) for name, exposure in exposures.items()]
    return _folder_jobs(photos, _files(spikes, SPIKE_SUFFIXES, 'spike file'), blur, spikes, reading)


def _folder_jobs(
    photos: dict[str, Path], streams: dict[str, Path], blur: Path, spikes: Path, reading: ReadOptions
) -> list[Job]:
    both = [name for name in photos if name in streams]
    if not both:
        raise SpikeDataError(
            f'{blur} and {spikes} have no sample in common; expected equal names, such as {next(iter(photos))}'
            f'{SPIKE_SUFFIXES[0]}; found {next(iter(streams))}'
        )
    for names, what in ((photos.keys() - streams.keys(), 'no spikes'), (streams.keys() - photos.keys(), 'no photo')):
        if names:
            _log.warning('%d left out, they have %s: %s', len(names), what, ', '.join(sorted(names)[:3]))
    exposure = reading.timing.single()
    return [_job(name, photos[name], streams[name], reading, exposure) for name in both]


def _job(name: str, photo: Path, spikes: Path, reading: ReadOptions, exposure: Exposure | None) -> Job:
    def read() -> Photo:
        found = load_photo(photo)
        return Photo(reading.rig.photo(found.pixels, photo), found.bits) if reading.rig else found

    return Job(name, read, _clip_reader(spikes, reading, exposure))


def _preview_jobs(spikes: Path, reading: ReadOptions) -> list[Job]:
    """Spikes without a photo."""
    if spikes.suffix.lower() in PHOTO_SUFFIXES:
        raise SpikeDataError(f'{spikes}: a photo alone cannot be restored this way; name its spike file after it')
    files = {spikes.stem: spikes} if spikes.is_file() else _files(spikes, SPIKE_SUFFIXES, 'spike file')
    exposure = reading.timing.single()
    return [Job(name, None, _clip_reader(path, reading, exposure)) for name, path in files.items()]


def _clip_reader(spikes: Path, reading: ReadOptions, exposure: Exposure | None) -> ClipReader:
    rig = reading.rig
    if rig is None:
        return lambda size, margin: read_clip(spikes, size, reading.layout, exposure, margin)

    def read(size: Size | None, margin: int) -> SpikeClip:  # the size is that of the photo on the sensor's grid
        clip = read_clip(spikes, None, rig.layout(reading.layout), exposure, margin)
        return replace(clip, stream=rig.spikes(clip.stream, spikes))

    return read


def _data_set_jobs(split: Split, reading: ReadOptions) -> list[Job]:
    """The samples of a data set's split, or the one of a key; LMDBs say when each photo was exposed."""
    root, key = split.root, reading.layout.key
    source = open_split(root, reading.timing.single())
    if key is not None and key not in source.keys:
        raise SpikeDataError(f'{root} has no sample {key!r}; it has {", ".join(source.keys[:5])} ...')

    def job(name: str) -> Job:
        return Job(
            name,
            lambda: Photo(source.blur(name).astype(np.float32) / np.float32(255), 8),
            lambda size, margin: SpikeClip(source.spikes(name).astype(np.bool_), source.record(name).exposure),
        )

    return [job(name) for name in ([key] if key else source.keys)]


def _files(root: Path, suffixes: tuple[str, ...], what: str) -> dict[str, Path]:
    """Return the files below a folder by name without suffix, in natural order (frame 2 before frame 10)."""
    return dict(sorted(files_by_key(root, suffixes, what).items(), key=lambda item: natural_order(item[1].as_posix())))


def refuse_swapped(blur: Path, spikes: Path) -> None:
    """Refuse a photo where spikes belong, or the other way round.

    Raises:
        OptionError: the suffixes say so.
    """
    are_photos_last = spikes.is_file() and spikes.suffix.lower() in PHOTO_SUFFIXES
    if are_photos_last or _holds_only_spikes(blur):
        raise OptionError(f'{blur} and {spikes} look swapped: first the blurry photo, then its spikes')


def _holds_only_spikes(path: Path) -> bool:
    """Whether it is a spike file, or a folder with such files and no photo."""
    suffixes = {file.suffix.lower() for file in (path.rglob('*') if path.is_dir() else [path])}
    return bool(suffixes & set(SPIKE_SUFFIXES)) and not suffixes & set(PHOTO_SUFFIXES)
