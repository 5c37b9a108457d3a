"""Names that data and option files bring, and that become paths below a folder of ours and keys of an LMDB."""

import re
from typing import Final

from spikereveal_plugin.errors import SpikeDataError

_KEEP: Final = frozenset('-_+=()[] ')  # beside letters and digits, of ASCII


def check_name(name: str, where: str) -> str:
    """Return a name, `a` or `a/b/c`, that leads nowhere but below the folder it is put in.

    Args:
        name: of a sample, a data set or a run.
        where: the file or option that says it, for the error.

    Raises:
        SpikeDataError: it is empty or absolute, has a part `.` or `..`, or a character that no name should have.
    """
    parts = name.split('/')
    if any(part in ('', '.', '..') for part in parts) or ':' in parts[0][1:2]:
        raise SpikeDataError(f'{where}: the name {name[:100]!r} leads elsewhere; expected one such as clip/000019')
    if odd := next((c for c in name if c == '\\' or not c.isprintable()), None):
        raise SpikeDataError(f'{where}: the name {name[:100]!r} holds {odd!r}; rename it')
    return name


def is_key(text: str) -> bool:
    """Say whether text can be an LMDB key: printable, in UTF-8, and without a dot, where BasicSR cuts a key."""
    return text.isprintable() and '.' not in text


def key_part(text: str) -> str:
    """Return a file's name, in any script, as a part of a key; what a key cannot hold becomes an underscore."""
    return ''.join(letter if _is_kept(letter) else '_' for letter in text)


def _is_kept(letter: str) -> bool:
    return (letter.isalnum() or letter in _KEEP) if letter.isascii() else letter.isprintable()


def natural_order(name: str) -> list[tuple[int, str]]:
    """Return what sorts names as people number them: frame 2 before frame 10."""
    return [(int(part), '') if part.isdecimal() else (-1, part) for part in re.split(r'(\d+)', name)]
