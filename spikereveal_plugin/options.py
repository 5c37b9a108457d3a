"""Strict options: YAML files with numbers, `_base_` and overrides; sections parsed into frozen dataclasses."""

import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml
from mmengine.config import Config

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.one_line import shown
from spikereveal_plugin.formats.text_file import read_text
from spikereveal_plugin.option_files import find_option_file

T = TypeVar('T')
_FLOAT = re.compile(r'^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$')


SUFFIX = '_basicsr'  # of what BasicSR registers beside a project that has the same name


class _Loader(yaml.SafeLoader):
    """YAML's safe loader that reads `2e-4` as a number; YAML 1.1 asks for a dot and makes it a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regex) for tag, regex in resolvers if tag != 'tag:yaml.org,2002:float']
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _unique_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    """Refuse a key that is given twice, of which YAML's reader keeps the last in silence."""
    seen = set()
    for key, _ in node.value:
        if key.value in seen and key.tag != 'tag:yaml.org,2002:merge':
            raise yaml.constructor.ConstructorError(None, None, f'the key {key.value!r} is given twice', key.start_mark)
        seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor('tag:yaml.org,2002:map', _unique_mapping)
_Loader.add_implicit_resolver('tag:yaml.org,2002:float', _FLOAT, list('-+0123456789.'))


def parse_yaml(text: str, where: str) -> Any:
    """Parse YAML safely; `where` names the file or flag in the error."""
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise OptionError(f'{where}: not an option file: it is nested too deeply') from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: such as a date of the month 13
        raise OptionError(f'{where}: not valid YAML: {" ".join(str(error).split())[:500]}') from None


def load_options(path: Path, _seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Read an option file; what it says goes over the file that its `_base_` names (relative to itself).

    `options/NAME.yml` that is not there is the file of that name that comes along. A nested section is merged
    key by key; `_delete_: true` in a section drops the base's section first (mmengine).

    Raises:
        OptionError: the file is missing, not YAML, not a mapping, or its bases form a circle.
    """
    path = find_option_file(path, _seen[-1].parent if _seen else None)
    if path in _seen:
        raise OptionError(f'{path}: `_base_` leads back to this file')
    try:
        text = read_text(path)
    except SpikeDataError as error:
        raise OptionError(str(error)) from None
    own = parse_yaml(text, str(path))
    if not isinstance(own, dict):
        raise OptionError(f'{path}: expected a mapping of options, found {type(own).__name__}')
    base = own.pop('_base_', None)
    if base is None:
        return own
    if not isinstance(base, str):
        raise OptionError(f'{path}: `_base_` must be the path of one option file, found {shown(base)}')
    config = Config(load_options(Path(base), (*_seen, path)))
    try:
        config.merge_from_dict(own)
    except TypeError as error:
        raise OptionError(f'{path}: cannot be merged over {base}: {error}') from None
    return config.to_dict()


def override(opt: dict[str, Any], entries: Sequence[str]) -> None:
    """Apply BasicSR's `--force_yml a:b=value` entries to freshly loaded options, in place.

    `train:total_iter=20` takes the place of the file's `total_epoch`, and the other way round.

    Raises:
        OptionError: an entry has no `=`, or names a section that the file does not have.
    """
    for entry in entries:
        keys, equals, text = entry.partition('=')
        *parents, last = [key.strip() for key in keys.split(':')]
        if not equals or not last:
            raise OptionError(f'--force_yml {entry!r}: expected section:key=value')
        section = opt
        for parent in parents:
            if not isinstance(section.get(parent), dict):
                raise OptionError(f'--force_yml {entry!r}: no section {parent!r}.{_hint(parent, section)}')
            section = section[parent]
        text = text.strip()
        section[last] = None if text.lower() == 'none' else parse_yaml(text, f'--force_yml {entry!r}')
    _shorten(opt, [entry.partition('=')[0] for entry in entries])


def _shorten(opt: dict[str, Any], given: Sequence[str]) -> None:
    """Let a length that is given on the command line take the place of the file's, whichever way that states it."""
    lengths = {'train:total_iter': 'total_epoch', 'train:total_epoch': 'total_iter'}
    for key, other in lengths.items():
        if key in given and f'train:{other}' not in given and opt['train'][key.partition(':')[2]] is not None:
            opt['train'].pop(other, None)


def _hint(key: str, known: Collection[str]) -> str:
    close = get_close_matches(str(key), [str(name) for name in known], n=1)
    return f' Did you mean {close[0]!r}?' if close else f' Known: {", ".join(sorted(map(str, known)))}.'


def check_keys(opt: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse a key that is not `known`, naming the nearest that is."""
    for key in opt:
        if key not in known:
            raise OptionError(f'{where}: unknown option {key!r}.{_hint(key, known)}')


def check_choice(value: object, known: Collection[str], where: str) -> None:
    """Refuse a value that is not `known`, naming the nearest that is."""
    if value not in known:
        raise OptionError(f'{where}: unknown value {shown(value)}.{_hint(str(value), known)}')


def at_least_one(where: str, **numbers: int) -> None:
    """Refuse a number below 1."""
    for key, number in numbers.items():
        if number < 1:
            raise OptionError(f'{where}.{key}: expected at least 1, found {number}')


def check_arguments(function: Callable[..., object], opt: Mapping[str, Any], where: str) -> None:
    """Refuse a section whose keys, less `type`, are not the arguments that `function` takes from YAML."""
    parameters = inspect.signature(function).parameters.values()
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    check_keys(opt, {*named, 'type'}, where)


def lookup(registry: Any, opt: Any, where: str) -> Any:
    """Return what a section's `type` names in a BasicSR registry.

    Raises:
        OptionError: the section is no mapping, has no `type`, or names something that is not registered.
    """
    if not isinstance(opt, Mapping) or not isinstance(opt.get('type'), str):
        raise OptionError(f'{where}: expected a section with a `type`, found {shown(opt)}')
    return lookup_name(registry, opt['type'], where, 'unknown type')


def lookup_name(registry: Any, name: str, where: str, said: str = 'unknown value') -> Any:
    """Return what a name stands for in a BasicSR registry, where BasicSR's own may be registered with a suffix.

    Raises:
        OptionError: nothing is registered under it.
    """
    for key in (name, f'{name}{SUFFIX}'):
        if key in registry:
            return registry.get(key)
    hint = _hint(name, [key.removesuffix(SUFFIX) for key, _ in registry])
    raise OptionError(
        f'{where}: {said} {name!r}.{hint} One of your own is brought in by import: [its_module] in the option file, or '
        'by --import'
    )


def parse_section(cls: type[T], opt: Any, where: str, ignore: Collection[str] = ()) -> T:
    """Turn one YAML section into the frozen dataclass `cls`; a key in `ignore` belongs to somebody else.

    Raises:
        OptionError: a key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(opt, Mapping):
        raise OptionError(f'{where}: expected a section of options, found {shown(opt)}')
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    given = {key: value for key, value in opt.items() if key not in ignore}
    check_keys(given, known, where)
    required = {n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if missing := required - given.keys():
        raise OptionError(f'{where}: missing option(s): {", ".join(sorted(missing))}')
    hints = get_type_hints(cls)
    given = {key: _as_whole(value, hints[key]) for key, value in given.items()}
    for key, value in given.items():
        if not _fits(value, hints[key]):
            raise OptionError(f'{where}.{key}: expected {_describe(hints[key])}, found {shown(value)}')
    return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})


def _as_whole(value: Any, hint: Any) -> Any:
    """Return a number such as 5e3 as 5000 where a whole one is asked for: BasicSR's option files write it so."""
    if isinstance(value, float) and value.is_integer() and not _fits(value, hint) and _fits(int(value), hint):
        return int(value)
    return value


def _fits(value: object, hint: Any) -> bool:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, arg) for arg in args)
    if origin is Literal:
        return value in args
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_fits(item, args[0]) for item in value)
    if hint in (int, float):
        return isinstance(value, (int, float) if hint is float else int) and not isinstance(value, bool)
    return isinstance(value, origin or hint)


def _describe(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if hint is NoneType:
        return '~'
    if origin in (Union, UnionType):
        return ' or '.join(_describe(arg) for arg in args)
    if origin is Literal:
        return 'one of ' + ', '.join(repr(arg) for arg in args)
    if origin is tuple:
        return f'a list of {_describe(args[0])}'
    names = {int: 'a whole number', float: 'a number', bool: 'true or false', str: 'text'}
    return names.get(hint, 'a section of options')
