"""Where samples come from: a folder of sharp images, folders without any, or a data set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from spikereveal_plugin.compare.reading import Frame, digest_files, frame_size, list_images, load_frame
from spikereveal_plugin.compare.set_options import SetOptions
from spikereveal_plugin.compare.spike_set import SpikeSet
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.shot import Shot


class TestSet(Protocol):
    """Samples, each with one or more frames in time; `protocol` says which, for a reader.

    `average` says over what means are taken: samples, or the sequences that they are of.
    """

    label: str
    protocol: str
    average: str
    keys: tuple[str, ...]
    has_reference: bool

    def frames(self, key: str) -> tuple[str, ...]:
        """Names of a sample's frames, in time."""

    def size(self, key: str) -> tuple[int, int]:
        """Height and width."""

    def reference(self, key: str) -> list[Frame] | None:
        """The sharp frames, if there are any."""

    def digest(self, key: str) -> str:
        """Hash of all that a score of this sample depends on, but for the method."""

    def shot(self, key: str, photos: int = 1) -> Shot:
        """Photo and spikes, and `photos` photos around where these are several; raises OptionError if it has none."""

    def instants(self, key: str) -> tuple[int, ...]:
        """The readouts of a sample's frames; raises as `shot`."""


class FolderSet:
    """Images below a folder: one in the folder itself is a sample, those of one sub-folder are the frames of one."""

    def __init__(self, label: str, root: Path, *, has_reference: bool, average: str = 'samples') -> None:
        self.label, self._root, self.has_reference, self.average = label, root, has_reference, average
        self.files = list_images(root)
        grouped: dict[str, list[str]] = {}
        for name in self.files:
            grouped.setdefault(name.rpartition('/')[0] or name, []).append(name)
        if doubled := [name for name in self.files if name in grouped and grouped[name] != [name]]:
            raise SpikeDataError(f'{self.files[doubled[0]]} lies beside a folder of its own name; move one of them')
        self._grouped: Mapping[str, list[str]] = grouped
        self.keys = tuple(grouped)
        count = max(map(len, grouped.values()))
        frames = 'one image a sample' if count == 1 else f'mean over the images of each sub-folder (up to {count})'
        self.protocol = frames if has_reference else f'{frames}, no reference'

    def frames(self, key: str) -> tuple[str, ...]:
        return tuple(name.rpartition('/')[2] for name in self._grouped[key])

    def names(self, key: str) -> list[str]:
        """Paths of a sample's files in the folder, without suffix."""
        return self._grouped[key]

    def size(self, key: str) -> tuple[int, int]:
        return frame_size(self.files[self._grouped[key][0]])

    def _paths(self, key: str) -> list[Path]:
        return [self.files[name] for name in self._grouped[key]]

    def reference(self, key: str) -> list[Frame] | None:
        return [load_frame(path) for path in self._paths(key)] if self.has_reference else None

    def digest(self, key: str) -> str:
        return digest_files(self._paths(key)) if self.has_reference else 'no reference'

    def shot(self, key: str, photos: int = 1) -> Shot:
        raise OptionError(f'sets.{self.label}: {self._root} holds images and no spikes; name a data set as `data`')

    def instants(self, key: str) -> tuple[int, ...]:
        raise OptionError(f'sets.{self.label}: {self._root} holds images, which have no readouts')


def open_set(label: str, options: SetOptions, first_folder: Path | None) -> FolderSet | SpikeSet:
    """Open what a section of `sets` names; without `gt` and `data` its samples are those of the first method's folder.

    Raises:
        SpikeDataError: a path is missing or holds nothing.
        OptionError: there is neither a reference nor a folder.
    """
    if options.data:
        return SpikeSet(label, Path(options.data).expanduser(), options)
    given = {'frames': options.frames, 'exposure': options.exposure, 'every': options.every > 1}
    for name, value in given.items():
        if value:
            raise OptionError(f'sets.{label}.{name}: only for a data set (`data`)')
    if options.gt:
        return FolderSet(label, Path(options.gt).expanduser(), has_reference=True, average=options.average)
    if first_folder is None:
        raise OptionError(f'sets.{label}: give gt, a folder of sharp images, or data, a data set of this package')
    return FolderSet(label, first_folder, has_reference=False, average=options.average)
