"""The section of a method in an option file: what its kind asks for, and what every method may say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikereveal_plugin.compare.folder_method import FolderOptions
from spikereveal_plugin.compare.kinds import kinds
from spikereveal_plugin.compare.reading import named
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import parse_section
from spikereveal_plugin.restorers.kinds import RestorerOptions


@dataclass(frozen=True, kw_only=True)
class EveryMethod:
    """What every method may say."""

    group: str | None = None
    """the heading it stands under in the table"""
    train: str | tuple[str, ...] | None = None
    """option files of `basicsr train` that make its weights, in order: `--train` runs those whose weights are absent"""

    @property
    def steps(self) -> tuple[str, ...]:
        """The option files of `train`, in order."""
        return (self.train,) if isinstance(self.train, str) else self.train or ()


@dataclass(frozen=True)
class MethodOptions:
    """A method: the word for its kind, the kind's options, what every method may say."""

    kind: str
    options: RestorerOptions | FolderOptions
    common: EveryMethod

    def files(self, where: str) -> tuple[Path, ...]:
        """The files of weights and the folders of images that it reads; `where` names its section in errors.

        Raises:
            OptionError: its option file cannot be read, or a name of weights is unknown.
        """
        with named(where):
            return self.options.files()


@dataclass(frozen=True)
class RowOptions:
    """A method, and what it is instead on sets that its `per_set` names; None where it has no results."""

    method: MethodOptions
    per_set: Mapping[str, MethodOptions | None]


def parse_row(label: str, section: Any) -> RowOptions:
    """Parse a section of `methods`; `per_set` holds, by set, the keys that differ there, or ~ to leave the set out.

    Raises:
        OptionError: a section has no known `type`, or an option that its type does not have.
    """
    where = f'methods.{label}'
    if not isinstance(section, Mapping):
        raise OptionError(f'{where}: expected a section with type: {", ".join(kinds())}; found {section!r}')
    base = {key: value for key, value in section.items() if key != 'per_set'}
    changes = section.get('per_set') or {}
    if not isinstance(changes, Mapping) or any(not isinstance(v, Mapping) for v in changes.values() if v is not None):
        raise OptionError(f'{where}.per_set: expected, by set, the options that differ there, or ~; found {changes!r}')
    per_set = {
        str(name): None if change is None else _parse_method({**base, **change}, f'{where}.per_set.{name}')
        for name, change in changes.items()
    }
    return RowOptions(_parse_method(base, where), per_set)


def _parse_method(section: Mapping[str, Any], where: str) -> MethodOptions:
    word = section.get('type', 'option_file' if 'opt' in section else None)
    if word not in kinds():
        raise OptionError(f'{where}: expected a section with type: {", ".join(kinds())}; found {dict(section)!r}')
    common = {key: value for key, value in section.items() if key in EveryMethod.__dataclass_fields__}
    own = {key: value for key, value in section.items() if key not in (*common, 'type')}
    options = parse_section(kinds()[word], own, where)
    return MethodOptions(word, options, parse_section(EveryMethod, common, where))
