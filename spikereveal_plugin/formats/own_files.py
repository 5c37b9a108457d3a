"""Deleting what this package wrote in a folder, and nothing else that lies there."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spikereveal_plugin.formats.lmdb_environments import ENVIRONMENTS


def remove_own(folder: Path, own: Sequence[Path]) -> None:
    """Delete files of a folder in the order given, and the folders that hold nothing then.

    Args:
        folder: may be absent.
        own: paths in it that this package wrote; those that are absent, and links and folders there, are left alone.
    """
    ENVIRONMENTS.release(folder)
    for path in own:
        target = folder / path
        if target.is_file() and not target.is_symlink():
            target.unlink()
    _remove_empty(folder)


def keep_others(old: Path, new: Path, own: Sequence[Path]) -> list[Path]:
    """Move what is not `own` from a folder that was replaced into the one that replaced it, and delete the rest.

    Returns:
        The paths of what was moved; where the new folder has another file of that name, with `.kept` at the end.
    """
    moved = []
    for path in list(_others(old, old, set(own))):
        target = new / path.relative_to(old)
        while target.exists() or target.is_symlink():
            target = target.with_name(f'{target.name}.kept')
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        moved.append(target)
    remove_own(old, own)
    return moved


def _others(root: Path, folder: Path, own: set[Path]) -> Iterator[Path]:
    """Yield each file and link that is not `own`."""
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _others(root, entry, own)
        elif entry.is_symlink() or entry.relative_to(root) not in own:
            yield entry


def _remove_empty(folder: Path) -> None:
    if folder.is_symlink() or not folder.is_dir():
        return
    for entry in folder.iterdir():
        _remove_empty(entry)
    if not any(folder.iterdir()):
        folder.rmdir()
