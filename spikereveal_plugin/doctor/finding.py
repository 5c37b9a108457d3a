"""What a check of `spikereveal doctor` finds."""

from dataclasses import dataclass

OK, NOTE, FAIL = 'ok', 'note', 'FAIL'


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Args:
        level: `ok`; `note`, something works less well; `FAIL`, something will not work.
        text: what was found.
        cure: what to do about it, in one line.
    """

    level: str
    text: str
    cure: str = ''


def fine(text: str) -> Finding:
    """Nothing to do."""
    return Finding(OK, text)


def note(text: str, cure: str) -> Finding:
    """Something works less well than it could."""
    return Finding(NOTE, text, cure)


def fail(text: str, cure: str) -> Finding:
    """Something will not work."""
    return Finding(FAIL, text, cure)
