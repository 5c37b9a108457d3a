"""What pyiqa says of its metrics before one is made: names, direction, whether a reference is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any, Literal

from spikereveal_plugin.errors import OptionError

_OF_WHOLE_FOLDERS = ('fid', 'fid_dinov2', 'sfid', 'inception_score')
Better = Literal['higher', 'lower']


@dataclass(frozen=True)
class IqaMetric:
    """One metric of pyiqa.

    Args:
        name: pyiqa's name.
        better: the direction of better images.
        needs_reference: whether it compares with a sharp image.
        type: the name of pyiqa's class.
    """

    name: str
    better: Better
    needs_reference: bool
    type: str


def iqa_metric(name: str) -> IqaMetric:
    """Look a metric up by its name.

    Raises:
        OptionError: pyiqa is missing or has no such metric (the nearest are named), or it scores whole folders.
    """
    known = _configurations()
    if name not in known:
        close = ', '.join(get_close_matches(str(name), known, n=3)) or 'none; pyiqa.list_models() lists all'
        raise OptionError(f'calculate_pyiqa: unknown metric_name {name!r}. Close to it: {close}.')
    if name in _OF_WHOLE_FOLDERS:
        raise OptionError(f'calculate_pyiqa: {name!r} scores a folder of images, not one image')
    entry = known[name]
    better: Better = 'lower' if entry.get('lower_better', False) else 'higher'
    return IqaMetric(name, better, entry.get('metric_mode') == 'FR', entry['metric_opts']['type'])


@cache
def _configurations() -> Mapping[str, Mapping[str, Any]]:
    try:
        return import_module('pyiqa.default_model_configs').DEFAULT_CONFIGS
    except ImportError as error:
        raise OptionError(f'calculate_pyiqa: needs the package pyiqa, which is not here: {error}') from error
