"""Whether a file to be written is one that is read."""

from collections.abc import Iterable
from pathlib import Path


def is_input(path: Path, inputs: Iterable[Path | str | None]) -> bool:
    """Whether a path is one of some others, by any name, or lies in one that is a folder; it may be absent."""
    there = path.resolve()
    roots = [Path(given).expanduser() for given in inputs if given is not None]
    return any(
        (root.exists() and path.exists() and root.samefile(path)) or (root.is_dir() and root.resolve() in there.parents)
        for root in roots
    )
