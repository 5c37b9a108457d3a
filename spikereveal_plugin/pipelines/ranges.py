"""Types and ranges of the options that every model has, stock ones too: said before anything is built."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.names import check_name
from spikereveal_plugin.formats.one_line import shown

_TEXT: Final = ('name', 'model_type')
_SECTIONS: Final = ('datasets', 'path', 'train', 'val', 'logger', 'network_g')
_SET_SECTION: Final = 'datasets'
# Key, least and greatest number, and whether it is whole.
_NUMBERS: Final[Mapping[str, tuple[tuple[str, float, float, bool], ...]]] = {
    '': (('manual_seed', 0, 2**32 - 1, True),),
    _SET_SECTION: (
        ('batch_size_per_gpu', 1, math.inf, True),
        ('num_worker_per_gpu', 0, 1024, True),
        ('dataset_enlarge_ratio', 1, math.inf, False),
        ('gt_size', 1, 2**16, True),
    ),
    'train': (
        ('total_iter', 1, math.inf, True),
        ('total_epoch', 1, math.inf, True),
        ('warmup_iter', -1, math.inf, True),
        ('ema_decay', 0, 1 - 1e-12, False),
    ),
    'val': (('val_freq', 1, math.inf, True),),
    'logger': (('print_freq', 1, math.inf, True), ('save_checkpoint_freq', 1, math.inf, True)),
}


def check_types(opt: Mapping[str, Any], where: str) -> None:
    """Check that texts are texts, sections are sections, and that names lead nowhere else.

    Args:
        opt: of an option file, as read.
        where: the file, for errors.

    Raises:
        OptionError: they do not.
    """
    for key in _TEXT:
        if opt.get(key) is not None and not isinstance(opt[key], str):
            raise OptionError(f'{where}: {key}: expected text, found {shown(opt[key])}; put it in quotes')
    for key in _SECTIONS:
        if opt.get(key) is not None and not isinstance(opt[key], Mapping):
            raise OptionError(f'{where}: {key}: expected a section of keys, found {shown(opt[key])}')
    try:
        _ = list(_sections(opt, where))
        for at, name in _names(opt):
            check_name(name, f'{where}: {at}')
    except SpikeDataError as error:
        raise OptionError(str(error)) from None


def check_ranges(opt: Mapping[str, Any], where: str) -> None:
    """Check numbers that models of this package and stock ones have; what is absent or empty is left to its reader.

    Args:
        opt: of an option file that `check_types` has seen.
        where: the file, for errors.

    Raises:
        OptionError: a number is out of its range, or is none.
    """
    for at, section in _sections(opt, where):
        for key, least, most, is_whole in _NUMBERS[at.partition('.')[0]]:
            _check(section.get(key), least, most, is_whole, f'{where}: {at}{"." if at else ""}{key}')


def make_whole(opt: dict[str, Any]) -> None:
    """Turn whole numbers that are written as `5e3`, as in BasicSR's option files, into such, in place."""
    for at, section in _sections(opt, ''):
        for key, _, _, is_whole in _NUMBERS[at.partition('.')[0]]:
            value = section.get(key)
            if is_whole and isinstance(value, float) and value.is_integer():
                section[key] = int(value)


def _sections(opt: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    yield '', opt
    for key in ('train', 'val', 'logger'):
        yield key, opt.get(key) or {}
    for phase, section in (opt.get(_SET_SECTION) or {}).items():
        if section is not None and not isinstance(section, Mapping):
            raise OptionError(f'{where}: datasets.{phase}: expected a section of keys, found {shown(section)}')
        yield f'{_SET_SECTION}.{phase}', section or {}


def _names(opt: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if opt.get('name'):
        yield 'name', opt['name']
    for phase, section in (opt.get(_SET_SECTION) or {}).items():
        if isinstance(name := (section or {}).get('name'), str):
            yield f'datasets.{phase}.name', name


def _check(value: Any, least: float, most: float, is_whole: bool, where: str) -> None:
    if value is None:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if is_number and least <= value <= most and not (is_whole and value != int(value)):
        return
    kind = 'a whole number' if is_whole else 'a number'
    upper = '' if math.isinf(most) else f', below {1 if most < 1 else int(most) + 1}'
    raise OptionError(f'{where}: expected {kind}, {least} or more{upper}, found {shown(value)}')
