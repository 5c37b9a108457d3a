"""Text that stays on its line, wherever it came from: names in data and option files may hold anything."""


def one_line(text: str) -> str:
    """Return text with line breaks and other characters that a terminal would act on written out as escapes."""
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text.strip())
