"""Text and JSON of files that may be anything: read as UTF-8 within bounds, or refused in one line."""

import json
from pathlib import Path
from typing import Any, Final

from spikereveal_plugin.errors import SpikeDataError

MOST: Final = 2**26  # bytes of a text; a list of a million samples has fewer
MOST_OF_MANIFEST: Final = 2**31


def read_text(path: Path, most: int = MOST) -> str:
    """Read a text file, with or without a byte order mark.

    Args:
        path: a regular file.
        most: bytes that are read at most.

    Raises:
        SpikeDataError: it is absent, no regular file, too large, unreadable, or not UTF-8.
    """
    if not path.is_file():
        raise SpikeDataError(f'{path}: {"not a regular file" if path.exists() else "no such file"}')
    try:
        with path.open('rb') as file:
            content = file.read(most + 1)
    except OSError as error:
        raise SpikeDataError(f'{path}: cannot be read: {error.strerror or error}') from None
    if len(content) > most:
        raise SpikeDataError(f'{path}: more than {most} bytes, so it is not the text that is expected here')
    try:
        return content.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise SpikeDataError(
            f'{path}: not UTF-8 text (byte {error.start + 1} is 0x{content[error.start]:02x}); save it as UTF-8'
        ) from None


def read_json(path: Path, most: int = MOST) -> Any:
    """Read a JSON file.

    Raises:
        SpikeDataError: as `read_text`, or it is not JSON.
    """
    text = read_text(path, most)
    try:
        return json.loads(text)
    except ValueError as error:
        raise SpikeDataError(f'{path}: not JSON: {error}') from None
    except RecursionError:
        raise SpikeDataError(f'{path}: not JSON of this package: it is nested too deeply') from None
