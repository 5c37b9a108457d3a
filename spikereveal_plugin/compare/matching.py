"""Names that tools write, matched with the names of what they restored: by one rule that fits all, or not at all."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

Form = Callable[[str], str]


@dataclass(frozen=True)
class Match:
    """Which name stands for which expected one, and by what rule: nothing where they are equal."""

    names: dict[str, str]
    rule: str = ''


def _numbers(name: str) -> str:
    return re.sub(r'\d+', lambda digits: str(int(digits[0])), name)


def _flat(name: str) -> str:
    return name.replace('/', '_')


_FORMS: Final[tuple[tuple[str, Form], ...]] = (
    ('', lambda name: name),
    ('numbers are compared without zeros before them', _numbers),
    ('folders are a part of the name', _flat),
    (
        'folders are a part of the name, and numbers are compared without zeros before them',
        lambda n: _numbers(_flat(n)),
    ),
    ('capitals are not looked at', str.casefold),
)


def match_names(names: Collection[str], expected: Collection[str]) -> Match | None:
    """Match names with the expected ones.

    Tried in this order, each for all names: they are equal; they are but for one text before or after each; and both
    again with numbers padded otherwise (`7` for `0007`), with folders in the name (`clip_0007` for `clip/0007`), and
    with other capitals.

    Args:
        names: what was written, without endings of files.
        expected: what it should be called; as many.

    Returns:
        None where no rule fits all, or two do in different ways.
    """
    if len(names) != len(expected):
        return None
    for said, form in _FORMS:
        own, others = {form(name): name for name in names}, {form(name): name for name in expected}
        if len(own) != len(names) or len(others) != len(expected):
            continue  # two names would be one
        if own.keys() == others.keys():
            return Match({others[name]: own[name] for name in others}, said)
        found = {
            affixes: {others[name]: own[affixes[0] + name + affixes[1]] for name in others}
            for affixes in _affixes(own, others)
        }
        if found and all(match == next(iter(found.values())) for match in found.values()):
            return Match(next(iter(found.values())), '; '.join(filter(None, (_said(*next(iter(found))), said))))
    return None


def _affixes(names: Collection[str], expected: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each text before and after that makes the names of the expected ones."""
    longest, wanted = max(expected, key=len), set(names)
    for name in names:
        start = name.find(longest)
        while start >= 0:
            before, after = name[:start], name[start + len(longest) :]
            if {before + other + after for other in expected} == wanted:
                yield before, after
            start = name.find(longest, start + 1)


def _said(before: str, after: str) -> str:
    texts = [f'begin with {before!r}'] if before else []
    texts += [f'end in {after!r}'] if after else []
    return f'names {" and ".join(texts)}'
