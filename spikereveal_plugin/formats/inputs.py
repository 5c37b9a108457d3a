"""Whether a file to be written is one that is read."""

import os
from collections.abc import Iterable
from pathlib import Path


def real(path: Path) -> Path:
    """Return the path that a path leads to; a link that leads to itself stays as it is."""
    return Path(os.path.realpath(path))


def is_input(path: Path, inputs: Iterable[Path | str | None]) -> bool:
    """Whether a path is one of some others, by any name, or lies in one that is a folder; it may be absent."""
    there = real(path)
    roots = [Path(given).expanduser() for given in inputs if given is not None]
    return any(
        (root.exists() and path.exists() and root.samefile(path)) or (root.is_dir() and real(root) in there.parents)
        for root in roots
    )
