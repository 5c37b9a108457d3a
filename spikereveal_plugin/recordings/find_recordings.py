"""Which image, spikes and ground truth on disk belong together."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.inputs import real
from spikereveal_plugin.formats.names import key_part
from spikereveal_plugin.recordings.layout import FOLDERS, Split
from spikereveal_plugin.recordings.sources import IMAGE_SUFFIXES, files_by_key, sharp_sequence_files
from spikereveal_plugin.recordings.spike_file import SPIKE_SUFFIXES


@dataclass(frozen=True)
class Recording:
    """One blurry image with its spikes; `sharp_frames` is by readout."""

    sequence: str
    name: str
    image: Path
    spikes: Path
    split: str = 'train'
    sharp: Path | None = None
    sharp_frames: dict[int, Path] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`<sequence>/<name>`."""
        return f'{self.sequence}/{self.name}'

    def files(self) -> Iterator[Path]:
        """Yield each file that it is made of."""
        yield from (self.image, self.spikes, *((self.sharp,) if self.sharp else ()), *self.sharp_frames.values())


@dataclass(frozen=True)
class Pairs:
    """The recordings of a folder, in order, and files that have no partner."""

    recordings: tuple[Recording, ...]
    without_spikes: tuple[Path, ...]
    without_image: tuple[Path, ...]


def find_recordings(images: Path, spikes: Path, sharp: Path | None = None, *, split: str = 'train') -> Pairs:
    """Pair images and spikes by their path below both folders, without its suffix; two files are one pair.

    Args:
        images: folder of blurry images, or one.
        spikes: folder of `.dat`, `.npy` or `.npz`, or one.
        sharp: folder of sharp middle frames, with one for each pair.
        split: which split they are for.

    Raises:
        SpikeDataError: a folder is missing, two files share a name, nothing is a pair, or a sharp image is missing.
    """
    if images.is_file() and spikes.is_file():
        return Pairs((Recording('recording', key_part(images.stem), images, spikes, split),), (), ())
    image_files, spike_files = files_by_key(images, IMAGE_SUFFIXES), files_by_key(spikes, SPIKE_SUFFIXES)
    sharp_files = files_by_key(sharp, IMAGE_SUFFIXES) if sharp else {}
    both = [key for key in image_files if key in spike_files]
    if not both:
        raise SpikeDataError(
            f'{images} ({len(image_files)} images) and {spikes} ({len(spike_files)} spike files) have no name in '
            f'common; expected <sequence>/<name>{IMAGE_SUFFIXES[0]} and <sequence>/<name>{SPIKE_SUFFIXES[0]}'
        )
    if sharp and (missing := [key for key in both if key not in sharp_files]):
        raise SpikeDataError(f'{sharp} has no sharp image for {missing[0]} ({len(missing)} missing in all)')
    recordings = []
    for key in both:
        folder, _, name = key.rpartition('/')
        sequence = '/'.join(key_part(part) for part in folder.split('/')) if folder else key_part(real(images).name)
        recording = Recording(sequence, key_part(name), image_files[key], spike_files[key], split, sharp_files.get(key))
        recordings.append(recording)
    lonely = tuple(path for key, path in image_files.items() if key not in spike_files)
    return Pairs(tuple(recordings), lonely, tuple(path for key, path in spike_files.items() if key not in image_files))


def find_spk_gopro(root: Path, spikes: Path, split: str, photos: str | None = None) -> Pairs:
    """Pair a split of GOPRO_Large, `<clip>/blur/*.png` and `<clip>/sharp/*.png`, with `<clip>/spike/*.dat` beside them.

    Args:
        root: of GOPRO_Large.
        spikes: the folder with `<split>/<clip>/spike`; it may be `root`.
        split: `train` or `test`.
        photos: the folder of blurry images in a clip; by default `blur_gamma` where a clip has it, else `blur`.

    Raises:
        SpikeDataError: a clip has photos and spikes without a name in common, or lacks a sharp image.
    """
    found: list[Recording] = []
    lonely: list[Path] = []
    unseen: list[Path] = []
    clips = (clip for clip in sorted((root / split).iterdir()) if clip.is_dir()) if (root / split).is_dir() else ()
    for clip in clips:
        streams = spikes / split / clip.name / 'spike'
        names = (photos,) if photos else ('blur_gamma', 'blur')
        images = next((clip / name for name in names if (clip / name).is_dir()), clip / names[-1])
        if not streams.is_dir() or not images.is_dir():
            continue
        pairs = find_recordings(images, streams, clip / 'sharp', split=split)
        found += [replace(item, sequence=key_part(clip.name)) for item in pairs.recordings]
        lonely += pairs.without_spikes
        unseen += pairs.without_image
    return Pairs(tuple(found), tuple(lonely), tuple(unseen))


def find_authors_release(root: Path, split: str, exposure: Exposure) -> Pairs:
    """Pair `{blur,spike,sharp}_data/<sequence>/<name>` below `root`; sharp sequences where their originals are there.

    Raises:
        SpikeDataError: as `find_recordings`.
    """
    release = Split(root, FOLDERS)
    sharp = release.sharp
    pairs = find_recordings(release.blur, release.spikes, sharp, split=split)
    if sharp is None:
        return pairs
    files = files_by_key(sharp, IMAGE_SUFFIXES)
    keys = {path: key for key, path in files.items()}
    recordings = [
        replace(item, sharp_frames=sharp_sequence_files(keys[item.sharp], files, exposure))
        for item in pairs.recordings
        if item.sharp
    ]
    return replace(pairs, recordings=tuple(recordings))
