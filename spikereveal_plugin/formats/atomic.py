"""Write a file whole or not at all."""

import os
from pathlib import Path


def write_atomically(path: Path, payload: bytes) -> None:
    """Write `payload` beside `path`, force it to the disk, and rename it into place.

    Args:
        path: file to create or to replace; its folder is created where absent.
        payload: the file's whole content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        with part.open('wb') as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
