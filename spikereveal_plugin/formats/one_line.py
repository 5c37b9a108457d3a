"""Text that stays on its line, wherever it came from: names in data and option files may hold anything."""

import reprlib


def one_line(text: str) -> str:
    """Return text with line breaks and other characters that a terminal would act on written out as escapes."""
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text.strip())


def shown(value: object, most: int = 60) -> str:
    """Return a value as an error shows it: its first characters, however much it holds."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = most
    short.maxdict = short.maxlist = short.maxtuple = 6
    text = one_line(short.repr(value))
    return text if len(text) <= most else f'{text[: most - 3]}...'
