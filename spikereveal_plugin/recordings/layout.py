"""How a split of a data set lies on a disk: in LMDBs, or in the folders of the authors' layout."""

from dataclasses import astuple, dataclass
from pathlib import Path

TEACHER = 'teacher.lmdb'
SPLITS = ('train', 'test')


@dataclass(frozen=True)
class Layout:
    """Names in the folder of a split."""

    blur: str
    spikes: str
    sharp: str
    sharp_sequence: str | None
    """None: sharp sequences are among the sharp images"""


LMDBS = Layout('blur.lmdb', 'spike.lmdb', 'sharp.lmdb', 'sharp_sequence.lmdb')
FOLDERS = Layout('blur_data', 'spike_data', 'sharp_data', None)
_FOLDER_NAMES = {name for layout in (LMDBS, FOLDERS) for name in astuple(layout) if name}


@dataclass(frozen=True)
class Split:
    """A split of a data set in one of the layouts."""

    root: Path
    layout: Layout = LMDBS

    @property
    def blur(self) -> Path:
        """The photos."""
        return self.root / self.layout.blur

    @property
    def spikes(self) -> Path:
        """The spike streams."""
        return self.root / self.layout.spikes

    @property
    def sharp(self) -> Path | None:
        """The sharp middle frames, where there are any."""
        return _if_there(self.root / self.layout.sharp)

    @property
    def sharp_sequence(self) -> Path | None:
        """The sharp sequences, where they have a place of their own."""
        return _if_there(self.root / self.layout.sharp_sequence) if self.layout.sharp_sequence else None

    @property
    def is_there(self) -> bool:
        """Whether there are photos and spikes."""
        return self.blur.is_dir() and self.spikes.is_dir()


def find_split(root: Path) -> Split | None:
    """Return the split that a folder is, in either layout; None where it is none."""
    return next((split for layout in (LMDBS, FOLDERS) if (split := Split(root, layout)).is_there), None)


def find_split_of(path: Path, *names: str) -> Split | None:
    """Return the split that a path of a data set stands for, whichever of its folders that is.

    Args:
        path: a split; a data set's root; or one of the folders in a split, such as `spike.lmdb`.
        names: which split of a root is meant, the first that is there.

    Returns:
        None where the path is none of these.
    """
    above = (path.absolute().parent,) if path.name in _FOLDER_NAMES else ()
    return next(
        (split for folder in (path, *(path / name for name in names), *above) if (split := find_split(folder))), None
    )


def _if_there(folder: Path) -> Path | None:
    return folder if folder.is_dir() else None
