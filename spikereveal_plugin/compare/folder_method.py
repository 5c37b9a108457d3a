"""Rows that are images on disk, by whatever tool."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spikereveal_plugin.compare.matching import match_names
from spikereveal_plugin.compare.reading import Frame, digest_files, frame_size, list_images, load_frame
from spikereveal_plugin.compare.sets import FolderSet, TestSet
from spikereveal_plugin.errors import SpikeDataError

_log = logging.getLogger('spikereveal')


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """`type: folder`: images that any tool wrote."""

    path: str | Mapping[str, str]
    """one folder, or one for each set by name"""
    parameters: float | None = None
    """what its authors say: shown as given, not measured"""
    gmacs: float | None = None
    """what its authors say: shown as given, not measured"""

    def files(self) -> tuple[Path, ...]:
        """The folders."""
        paths = [self.path] if isinstance(self.path, str) else self.path.values()
        return tuple(Path(str(path)).expanduser() for path in paths)


class FolderMethod:
    """Images that any tool wrote, found by the set's names, or by ones that differ in one way (matching.py).

    A data set's sample `seq/000019` is `seq/000019.png` where one frame is compared, or the images of `seq/000019/`:
    named by readout (`020.png`, ..., as `basicsr test` writes them), or else as many as the set's frames, in order.
    """

    is_photo = False

    def __init__(self, label: str, options: FolderOptions) -> None:
        self.label = label
        self._paths: Mapping[str, Path] | Path
        if isinstance(options.path, Mapping):
            self._paths = {str(name): Path(str(path)).expanduser() for name, path in options.path.items()}
        else:
            self._paths = Path(options.path).expanduser()
        self._files: dict[str, dict[str, Path]] = {}

    @property
    def set_labels(self) -> set[str]:
        """Names of the sets that it has a folder for, where they are named."""
        return set() if isinstance(self._paths, Path) else set(self._paths)

    def root(self, set_label: str) -> Path | None:
        """The folder of results of a set, if there is one."""
        return self._paths if isinstance(self._paths, Path) else self._paths.get(set_label)

    def covers(self, test_set: TestSet) -> bool:
        root = self.root(test_set.label)
        if root is None:
            return False
        files = self._files[test_set.label] = _renamed(root, list_images(root), _expected(test_set))
        if isinstance(test_set, FolderSet):
            _refuse_unequal(root, files, test_set)
        for key in test_set.keys:
            for path in self._frame_paths(test_set, key):
                if (size := frame_size(path)) != (expected := test_set.size(key)):
                    raise SpikeDataError(
                        f'{path}: the image is {size[1]}x{size[0]}, the sample {key!r} of {test_set.label!r} '
                        f'{expected[1]}x{expected[0]}'
                    )
        return True

    def _frame_paths(self, test_set: TestSet, key: str) -> list[Path]:
        files, frames = self._files[test_set.label], test_set.frames(key)
        if isinstance(test_set, FolderSet):
            return [files[name] for name in test_set.names(key)]
        if len(frames) == 1 and key in files:
            return [files[key]]
        inside = {name.rpartition('/')[2]: path for name, path in files.items() if name.rpartition('/')[0] == key}
        if all(frame in inside for frame in frames):
            return [inside[frame] for frame in frames]
        if len(inside) != len(frames):
            raise SpikeDataError(
                f'{self.root(test_set.label)}/{key}: expected {len(frames)} image(s), named by frame '
                f'({", ".join(frames)}) or in their order; found {len(inside)}'
            )
        return list(inside.values())

    def digest(self, test_set: TestSet, key: str) -> str:
        return digest_files(self._frame_paths(test_set, key))

    def restore(self, test_set: TestSet, key: str) -> list[Frame]:
        return [load_frame(path) for path in self._frame_paths(test_set, key)]


def _expected(test_set: TestSet) -> list[str]:
    """The names that a set's images have, without endings."""
    if isinstance(test_set, FolderSet):
        return list(test_set.files)
    frames = {key: test_set.frames(key) for key in test_set.keys}
    if all(len(names) == 1 for names in frames.values()):
        return list(frames)
    return [f'{key}/{name}' for key, names in frames.items() for name in names]


def _renamed(root: Path, files: dict[str, Path], expected: list[str]) -> dict[str, Path]:
    """Return files by the names that a set expects, where one rule leads from one to the other."""
    match = match_names(files, expected)
    if match is None:
        return files
    if match.rule:
        _log.info('%s: its images are matched so: %s', root, match.rule)
    return {name: files[own] for name, own in match.names.items()}


def _refuse_unequal(root: Path, files: Mapping[str, Path], test_set: FolderSet) -> None:
    missing, extra = sorted(test_set.files.keys() - files.keys()), sorted(files.keys() - test_set.files.keys())
    if missing:
        raise SpikeDataError(
            f'{root} has no image for {test_set.files[missing[0]]} ({len(missing)} of {len(test_set.files)} missing)'
        )
    if extra:
        raise SpikeDataError(
            f'{files[extra[0]]} has no counterpart in {test_set.label!r} ({len(extra)} such images); '
            'both folders must hold the same names, or names that differ in one way'
        )
