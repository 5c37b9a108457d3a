"""Write docs/options.md from the option dataclasses and what stands below their fields."""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from spikereveal_plugin.compare.kinds import kinds
from spikereveal_plugin.compare.method_options import EveryMethod
from spikereveal_plugin.compare.options import CompareOptions
from spikereveal_plugin.compare.set_options import SetOptions
from spikereveal_plugin.data.blur_sequence_dataset import BlurSequenceOptions
from spikereveal_plugin.data.spike_blur_options import SpikeBlurOptions
from spikereveal_plugin.models.sections import (
    DistillTrainOptions,
    LoggerOptions,
    PathOptions,
    PixelTrainOptions,
    SpikeOptions,
    TrainOptions,
)
from spikereveal_plugin.models.val_options import EarlyStopOptions, ValOptions

PAGE = Path(__file__).with_name('options.md')
TRAINING = (
    SpikeBlurOptions,
    BlurSequenceOptions,
    SpikeOptions,
    PathOptions,
    TrainOptions,
    PixelTrainOptions,
    DistillTrainOptions,
    ValOptions,
    EarlyStopOptions,
    LoggerOptions,
)
HEAD = """# Options

Written by `python docs/make_options.py` from the code; a test holds them together.

Option files are YAML. `_base_: other.yml` takes another file and goes over it, section by section; `_delete_: true` in
a section drops the base's; `--force_yml section:key=value` goes over both. An unknown key is refused.
`import: [my_module]` brings in networks, losses, metrics and restorers of your own (extending.md). Names of a
network, loss, metric or schedule stand in `type`; the other keys of its section are its arguments.
"""


def field_notes(cls: type) -> dict[str, str]:
    """Return what stands below the fields of a dataclass and of those that it extends."""
    notes: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        if '__dataclass_fields__' not in vars(base):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body  # type: ignore[attr-defined]
        for node, after in pairwise(body):
            is_note = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and is_note:
                notes[node.target.id] = ' '.join(str(after.value.value).split())  # type: ignore[attr-defined]
    return notes


def default(option: 'Field[Any]') -> str:
    """Return a default as YAML has it."""
    if option.default is MISSING:
        return 'required' if option.default_factory is MISSING else '{}'
    return '~' if option.default is None else json.dumps(option.default)


def table(cls: type, without: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the lines that describe a dataclass."""
    yield f'{inspect.getdoc(cls)}'
    listed = [option for option in fields(cls) if option.name not in without]
    if not listed:
        return
    notes = field_notes(cls)
    yield ''
    yield '| option | default | |'
    yield '| --- | --- | --- |'
    for option in listed:
        yield f'| `{option.name}` | {default(option)} | {notes[option.name]} |'


def page() -> str:
    """Return the whole page."""
    lines = [HEAD, '## `basicsr train`, `basicsr test`', '']
    shared = frozenset(option.name for option in fields(TrainOptions))
    for cls in TRAINING:
        extends = cls is not TrainOptions and issubclass(cls, TrainOptions)
        lines += [f'### {cls.__name__}', '', *table(cls, shared if extends else frozenset()), '']
    lines += ['## `spikereveal compare`', '']
    lines += ['### CompareOptions', '', *table(CompareOptions), '', '### SetOptions', '', *table(SetOptions), '']
    lines += [
        '### Methods',
        '',
        *table(EveryMethod),
        '',
        '`per_set` holds, by set, the keys that differ there, or ~.',
        '',
    ]
    for word, kind in sorted(kinds().items()):
        if not kind.__module__.startswith('spikereveal_plugin.'):
            continue  # of somebody else
        lines += [f'#### {word}', '', *table(kind), '']
    return '\n'.join(lines).rstrip() + '\n'


if __name__ == '__main__':
    PAGE.write_text(page(), encoding='utf-8')
