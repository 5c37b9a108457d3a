"""The weights that a comparison needs, and the trainings that make those that are absent."""

import logging
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spikereveal_plugin.compare.options import CompareOptions
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import load_options

_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class Missing:
    """What a method, or its form on one set, lacks: files or folders, and the option files that make them."""

    label: str
    test_set: str | None
    files: tuple[Path, ...]
    steps: tuple[str, ...]

    def __str__(self) -> str:
        on = f' on {self.test_set}' if self.test_set else ''
        return f'{self.label}{on}: {", ".join(map(str, self.files))}'


def missing(options: CompareOptions) -> list[Missing]:
    """Return what is absent, in the order of the methods.

    Raises:
        OptionError: a section is at fault.
    """
    absent = []
    for label, row in options.parsed_methods().items():
        forms = [(None, row.method), *row.per_set.items()]
        for test_set, method in forms:
            if method is None:
                continue
            where = f'methods.{label}' + (f'.per_set.{test_set}' if test_set else '')
            if files := tuple(path for path in method.files(where) if not path.exists()):
                absent.append(Missing(label, test_set, files, method.common.steps))
    return absent


def refuse(absent: Sequence[Missing]) -> None:
    """Say what is absent and the commands that make it.

    Raises:
        OptionError: something is absent that a `train` makes.
    """
    steps = open_steps(absent)
    if not steps:
        return  # what reads it says what it lacks
    commands = ' && '.join(f'basicsr train -opt {shlex.quote(step)}' for step in steps)
    raise OptionError(
        f'weights are absent ({"; ".join(map(str, absent))}); make them by {commands}, or let --train do so; '
        '--skip-missing compares without them'
    )


def train(options: CompareOptions) -> None:
    """Run the trainings that make what is absent, in order; one that was stopped goes on.

    Raises:
        OptionError: a training fails, or its end leaves something absent.
    """
    for step in open_steps(missing(options)):
        command = [sys.executable, '-m', 'spikereveal_plugin', 'train', '-opt', step, '--auto_resume']
        _log.info('$ basicsr train -opt %s --auto_resume', shlex.quote(step))
        code = subprocess.run(command, check=False).returncode
        if code:
            raise OptionError(f'basicsr train -opt {step} --auto_resume ended with code {code}; see above')
    if left := missing(options):
        raise OptionError(f'absent, and no `train` of its method makes it: {"; ".join(map(str, left))}')


def open_steps(absent: Sequence[Missing]) -> list[str]:
    """Return the option files of absent weights, each once, whose own result is not there."""
    steps = dict.fromkeys(step for item in absent for step in item.steps)
    return [step for step in steps if not product(step).is_file()]


def product(step: str) -> Path:
    """Return the file that a training leaves at its end, below the current folder.

    Raises:
        OptionError: the option file is missing or has no name.
    """
    opt = load_options(Path(step))
    if not opt.get('name'):
        raise OptionError(f'{step}: missing option name')
    return Path('experiments', str(opt['name']), 'models', 'net_g_latest.pth')


def without_missing(options: CompareOptions) -> CompareOptions:
    """Return options without sets, methods, or forms on a set that are absent or lack something; notes say which.

    Raises:
        OptionError: nothing is left.
    """
    options, lost = _without_absent_sets(options)
    absent = missing(options)
    methods = dict(options.methods)
    for item in absent:
        section = methods[item.label]
        if item.test_set is None or section is None:
            methods[item.label] = None
        else:
            methods[item.label] = {**section, 'per_set': {**section['per_set'], item.test_set: None}}
    if all(section is None for section in methods.values()):
        raise OptionError(f'nothing is left to compare; absent are {"; ".join(map(str, absent))}')
    notes = tuple(f'Left out, since this is absent: {item}.' for item in absent)
    return replace(options, methods=methods, notes=(*options.notes, *lost, *notes))


def _without_absent_sets(options: CompareOptions) -> tuple[CompareOptions, tuple[str, ...]]:
    """Return options without sets whose folder is absent, and a note on each."""
    folders = {label: section.data or section.gt for label, section in options.parsed_sets().items()}
    absent = {label: folder for label, folder in folders.items() if folder and not Path(folder).expanduser().exists()}
    if absent and len(absent) == len(folders):
        raise OptionError(
            f'no set is there: {"; ".join(f"{label}: {folder}" for label, folder in absent.items())}; '
            '`spikereveal data simulate` and `data import` make them (docs/data-sets.md)'
        )
    methods = {}
    for name, section in options.methods.items():
        others = {label: each for label, each in ((section or {}).get('per_set') or {}).items() if label not in absent}
        methods[name] = {**section, 'per_set': others} if section and section.get('per_set') else section
    sets = {label: section for label, section in options.sets.items() if str(label) not in absent}
    notes = tuple(
        f'Left out, since this is absent: the set {label}, {folder}. '
        '`spikereveal data simulate` or `data import` makes it.'
        for label, folder in absent.items()
    )
    return replace(options, sets=sets, methods=methods), notes
