"""Run jobs one after another: read, check, restore, write; what a folder holds already is not done again."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.inputs import is_input
from spikereveal_plugin.formats.lock import FolderLock
from spikereveal_plugin.inference.deblurrer import Deblurrer, Frame
from spikereveal_plugin.inference.jobs import Job
from spikereveal_plugin.inference.opened import open_job
from spikereveal_plugin.inference.outputs import make_folder, write_gif, write_picture, write_pictures, write_video
from spikereveal_plugin.inference.progress_file import ProgressFile
from spikereveal_plugin.inference.restore_options import RestoreOptions

_log = logging.getLogger('spikereveal')


def restore_to_file(job: Job, deblurrer: Deblurrer, out: Path, options: RestoreOptions) -> None:
    """Restore one job to one file, whose suffix is `options.kind`.

    Raises:
        SpikeRevealError: the input is at fault, or the file exists or cannot be written.
    """
    if out.exists() and not options.overwrite:
        raise OptionError(f'{out} exists; replace it with --overwrite, or choose another name')
    if out.is_dir():
        raise OptionError(f'{out} is a folder; choose another name')
    if options.is_pictures and options.count != 1:
        raise OptionError(
            f'{out}: {options.count} frames do not fit in one picture; give a folder, an .mp4 or .webm, or --frames 1'
        )
    make_folder(out.absolute().parent)
    with tqdm(total=options.count, unit='frame', disable=None) as progress:
        opened = open_job(job, deblurrer, options)
        opened.say(deblurrer)
        _write(out, _counted(opened.frames(deblurrer, options), progress), opened.bits, options)
        opened.write_page(out.with_suffix('.html'))


def restore_to_folder(jobs: Sequence[Job], deblurrer: Deblurrer, out: Path, options: RestoreOptions) -> int:
    """Restore jobs below a folder: pictures in `<name>/` (in `out` itself of an only job), or videos `<name>.mp4`.

    `deblur.json` in the folder keeps the settings and what is done; a second run goes on where the first stopped.

    Returns:
        How many jobs were restored in this run.

    Raises:
        SpikeRevealError: the input is at fault, the folder holds results of other settings, or cannot be written.
    """
    is_made = not out.exists()
    make_folder(out)
    try:
        with FolderLock(out, 'restoring there'):
            return _restore_all(jobs, deblurrer, out, options)
    finally:
        if is_made and not any(out.iterdir()):
            out.rmdir()


def _restore_all(jobs: Sequence[Job], deblurrer: Deblurrer, out: Path, options: RestoreOptions) -> int:
    ledger = ProgressFile.open(out, options.settings, overwrite=options.overwrite)
    is_alone = len(jobs) == 1 and options.is_pictures
    targets = {job.name: _target(out, job.name, options, is_alone=is_alone) for job in jobs}
    pages = {job.name: out / f'{Path(job.name).name if is_alone else job.name}.html' for job in jobs}
    for job in jobs:
        _refuse_others(targets[job.name], pages[job.name], options, is_own=ledger.owns(job.name))
    left = 0
    with tqdm(total=len(jobs) * options.count, unit='frame', disable=None) as progress:
        for job in jobs:
            try:
                opened = open_job(job, deblurrer, options)
                if ledger.has(job.name):
                    why = ledger.outdated(job.name, opened.source)
                    if not why:
                        progress.update(options.count)
                        continue
                    _log.info('%s is made again: %s', job.name, why)
                frames = opened.frames(deblurrer, options)
            except SpikeDataError as error:
                raise SpikeDataError(f'{job.name}: {error}' if len(jobs) > 1 else str(error)) from error
            if not left:
                opened.say(deblurrer)  # of the first alone: the others are of one rig
            ledger.begin(job.name)
            left += 1
            target = targets[job.name]
            make_folder(target if options.is_pictures else target.parent)
            files = _write(target, _counted(frames, progress), opened.bits, options)
            files += opened.write_page(pages[job.name])
            ledger.add(job.name, opened.readouts, opened.source, files)
    if left < len(jobs):
        _log.info('%s: %d of %d were done already', out, len(jobs) - left, len(jobs))
    return left


def _target(out: Path, name: str, options: RestoreOptions, *, is_alone: bool) -> Path:
    """The folder of a job's pictures, or its video."""
    return out if is_alone else out / (name if options.is_pictures else f'{name}.{options.kind}')


def _refuse_others(target: Path, page: Path, options: RestoreOptions, *, is_own: bool) -> None:
    """Refuse to replace what is read, or what no earlier run wrote.

    Raises:
        OptionError: it would.
    """
    files = [target / f'{i:03d}.{options.kind}' for i in range(options.count)] if options.is_pictures else [target]
    files += [page] if options.page else []
    for file in filter(Path.exists, files):
        if is_input(file, options.inputs):
            raise OptionError(f'{file}: this command reads it, so it cannot write there; choose another folder')
        if not is_own and not options.overwrite:
            raise OptionError(f'{file} exists, and no earlier run made it; choose another folder, or pass --overwrite')


def _write(target: Path, frames: Iterator[npt.NDArray[np.float32]], bits: int, options: RestoreOptions) -> list[Path]:
    if options.is_pictures and target.is_dir():
        return write_pictures(target, frames, options.kind, bits)
    if options.kind in ('mp4', 'webm'):
        write_video(target, frames, options.fps)
    elif options.kind == 'gif':
        write_gif(target, frames, options.fps)
    else:
        write_picture(target, next(frames), bits)
    return [target]


def _counted(frames: Iterator[Frame], progress: 'tqdm[Any]') -> Iterator[Frame]:
    for frame in frames:
        yield frame
        progress.update()
