"""An adaptation from recordings to weights: a data set, an option file, `basicsr train` on it, and a card."""

import json
import logging
import os
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from spikereveal_plugin.adapt.networks import NetworkChoice, choose_networks, warn_of_thresholds
from spikereveal_plugin.adapt.option_file import HELD_OUT_LIST, NAME, TRAIN_LIST, option_text
from spikereveal_plugin.adapt.result import pack_result
from spikereveal_plugin.adapt.samples import examine, gather_samples
from spikereveal_plugin.adapt.schedule import Schedule
from spikereveal_plugin.building.import_set import ImportOptions
from spikereveal_plugin.data.teacher_cache import CACHE_FILES
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.inputs import real
from spikereveal_plugin.formats.lmdb_environments import ENVIRONMENTS
from spikereveal_plugin.formats.lock import FolderLock
from spikereveal_plugin.formats.own_files import remove_own
from spikereveal_plugin.formats.text_file import read_json
from spikereveal_plugin.inference.outputs import make_folder, writing
from spikereveal_plugin.models.teach import teach
from spikereveal_plugin.pipelines.setup import default_flags, prepare_options
from spikereveal_plugin.pipelines.stop import StoppedError
from spikereveal_plugin.pipelines.train import train_pipeline
from spikereveal_plugin.recordings.layout import TEACHER
from spikereveal_plugin.recordings.manifest import MANIFEST, own_files

RECORD = 'adapt.json'
MADE = ('data', 'data.partial', 'weights', TEACHER, 'experiments/adapt', NAME, TRAIN_LIST, HELD_OUT_LIST, RECORD)
_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class Request:
    """What `spikereveal adapt` was asked for.

    Args:
        blur: photos; None where `spikes` is a data set.
        spikes: spike files, or a data set.
        out: folder of everything that is made; the weights are `<its name>.pth` in it.
        weights: name or file to start from; None for the first registered student.
        teacher: names or files of BSN and SpikeEDSR, `('self',)` or `('light',)`; None for what fits the weights.
        density: `auto` or 1.0; None for what the weights say.
        held_out: exposures to hold out.
        reading: how recordings are read.
        schedule: how long to train.
        overwrite: begin again, whatever `out` holds of an earlier adaptation.
    """

    blur: Path | None
    spikes: Path
    out: Path
    weights: str | None = None
    teacher: tuple[str, ...] | None = None
    density: float | Literal['auto'] | None = None
    held_out: int = 2
    reading: ImportOptions = field(default_factory=ImportOptions)
    schedule: Schedule = field(default_factory=Schedule)
    overwrite: bool = False

    @property
    def result(self) -> Path:
        """The weights that come out."""
        return self.out / f'{self.out.resolve().name}.pth'

    @property
    def made(self) -> tuple[str, ...]:
        """Names in `out` of all that is made there."""
        return (*MADE, self.result.name, self.result.with_suffix('.md').name)


def adapt(request: Request) -> Path:
    """Fine-tune a student on recordings, without labels; what an earlier run of the same request did is not done again.

    Returns:
        The file of the adapted weights.

    Raises:
        SpikeRevealError: input, weights or teacher are at fault, `out` holds another adaptation, or it was stopped.
    """
    is_made = not request.out.exists()
    make_folder(request.out)
    try:
        with FolderLock(request.out, 'adapting there'):
            return _adapt(request)
    except Exception:
        if is_made and not (request.out / NAME).is_file():  # nothing to go on from
            _remove_begun(request.out)
        raise


def _remove_begun(out: Path) -> None:
    """Remove what this process made in a folder that it made itself."""
    ENVIRONMENTS.release(out)
    for name in MADE:
        made = out / name
        shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
    if not any(out.iterdir()):
        out.rmdir()


def _adapt(request: Request) -> Path:
    _remember(request)
    if request.result.is_file():
        _log.info('%s is there already; begin again with --overwrite', request.result)
        return request.result
    if not (request.out / NAME).is_file():
        _prepare(request)
    _say(f'$ cd {shlex.quote(str(request.out))}')
    with _inside(request.out):
        opt = prepare_options(default_flags(NAME), is_train=True)
        if opt['train']['teacher'] == 'cache':
            _say(f'$ spikereveal data teach -opt {NAME}')
            teach(opt, None, 'float32', overwrite=False)
        _say(f'$ basicsr train -opt {NAME} --auto_resume')
        try:
            train_pipeline(default_flags(NAME, auto_resume=True))
        except StoppedError:
            _log.info('the same `spikereveal adapt` goes on from there')
            raise
    return pack_result(request.out, request.result)


def _prepare(request: Request) -> None:
    """Make the data set, look at it, and write the option file, last of all."""
    chosen = choose_networks(request.weights, request.teacher, request.out)
    density = request.density or chosen['network_g'].card.density
    reading = replace(request.reading, overwrite=False)
    samples = gather_samples(request.blur, request.spikes, request.out / 'data', reading, request.held_out)
    facts = examine(samples)
    window = max(item.window for item in chosen.values())
    try:
        facts.exposure.reach(window, facts.readouts)
    except ValueError as error:
        raise SpikeDataError(f'{request.spikes}: {error}') from None
    warn_of_thresholds(chosen, facts.threshold, is_normalised=density == 'auto')
    counts = (len(samples.train), len(samples.held_out), facts.threshold)
    _log.info('%d exposures to train on, %d held out; the spike camera shows threshold %.3g', *counts)
    for name, keys in ((TRAIN_LIST, samples.train), (HELD_OUT_LIST, samples.held_out)):
        _write(request.out / name, '\n'.join(keys) + '\n')
    text = option_text(chosen, request.out, facts, density, request.schedule)
    _note(request, chosen, facts.threshold, density)
    _write(request.out / NAME, text)


def _write(path: Path, text: str) -> None:
    with writing(path):
        write_atomically(path, text.encode())


def _identity(request: Request) -> dict[str, Any]:
    """What decides the result, as JSON keeps it."""
    kept = {**asdict(request), 'reading': {**asdict(request.reading), 'workers': None}}
    kept = {key: value for key, value in kept.items() if key not in ('out', 'overwrite')}
    paths = {key: str(real(Path(kept[key]))) for key in ('blur', 'spikes') if kept[key]}
    return json.loads(json.dumps({**kept, **paths}, default=str))


def _remember(request: Request) -> None:
    """Keep the request beside what comes of it; refuse a folder of another one.

    Raises:
        OptionError: an earlier run was asked for something else, and `overwrite` is false.
        SpikeDataError: the record is damaged.
    """
    path, asked = request.out / RECORD, _identity(request)
    if request.overwrite and path.is_file():
        _put_aside(request)
    if path.is_file():
        try:
            former = read_json(path)['request']
        except (ValueError, KeyError, TypeError) as error:
            raise SpikeDataError(
                f'{path}: not a readable record of an adaptation ({error}); pass --overwrite'
            ) from None
        if differing := sorted(key for key in asked if former.get(key) != asked[key]):
            raise OptionError(
                f'{request.out} holds an adaptation of other settings ({", ".join(differing)} differ); choose another '
                'folder, or begin again with --overwrite'
            )
        return
    if any((request.out / name).exists() for name in request.made):
        raise OptionError(f'{request.out} holds files that an adaptation would write; choose another folder')
    _write(path, json.dumps({'request': asked}, indent=1) + '\n')


def _put_aside(request: Request) -> None:
    """Move an earlier adaptation into a folder of its own, as BasicSR does with experiments; its data set goes."""
    aside = request.out / f'archived_{time.strftime("%Y%m%d_%H%M%S")}'
    while aside.exists():
        aside = aside.with_name(f'{aside.name}_')
    for name in request.made:
        if (request.out / name).exists():
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (request.out / name).rename(aside / name)
    if (aside / 'data' / MANIFEST).is_file():
        remove_own(aside / 'data', own_files(aside / 'data'))
    remove_own(aside / TEACHER, CACHE_FILES)
    _log.info('the earlier adaptation is in %s', aside)


def _note(request: Request, chosen: Mapping[str, NetworkChoice], threshold: float, density: Any) -> None:
    """Add to the record what the result's card will say."""
    facts = {
        'threshold': 1.0 if density == 'auto' else threshold,
        'observed_threshold': threshold,
        'density': density,
        'networks': {key: {'given': item.given, 'network': item.card.network} for key, item in chosen.items()},
    }
    _write(request.out / RECORD, json.dumps({'request': _identity(request), **facts}, indent=1) + '\n')


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Work in a folder, as the commands that are printed do."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _say(*lines: str) -> None:
    for line in lines:
        _log.info('%s', line)
