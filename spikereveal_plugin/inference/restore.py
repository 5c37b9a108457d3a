"""Run jobs one after another: read, check, restore, write; what a folder holds already is not done again."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from spikereveal_plugin.defaults import FPS, NUM_FRAMES
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.inputs import is_input
from spikereveal_plugin.inference.clip import SpikeClip
from spikereveal_plugin.inference.deblurrer import Deblurrer, Frame
from spikereveal_plugin.inference.instants import at_fractions, spread
from spikereveal_plugin.inference.jobs import Job
from spikereveal_plugin.inference.outputs import beside, make_folder, write_gif, write_png, write_pngs, write_video
from spikereveal_plugin.inference.page import Page
from spikereveal_plugin.inference.preview import WINDOW, preview_frames
from spikereveal_plugin.inference.progress_file import ProgressFile

_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class RestoreOptions:
    """What to restore and how to write it.

    Args:
        frames: number of instants, spread over the exposure.
        at: instants as parts of the exposure, in place of `frames`.
        kind: one of `KINDS`.
        fps: frames a second of a video or GIF.
        side_by_side: put the photo to the left of each frame.
        overwrite: replace what is there.
        check: refuse spikes that match the photo better when flipped.
        preview_window: readouts averaged for a frame of spikes without a photo.
        page: write a page to look at beside the result.
        inputs: files and folders that are read, which no result may replace.
        identity: what else the result depends on (weights, density), kept to notice that it changed.
    """

    frames: int = NUM_FRAMES
    at: tuple[float, ...] = ()
    kind: str = 'png'
    fps: float = FPS
    side_by_side: bool = False
    overwrite: bool = False
    check: bool = True
    preview_window: int = WINDOW
    page: bool = False
    inputs: tuple[Path, ...] = ()
    identity: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise OptionError(f'--frames {self.frames}: expected 1 or more')
        if not 0 < self.fps <= 1000:
            raise OptionError(f'--fps {self.fps}: expected a positive number, up to 1000')
        if self.preview_window < 1 or self.preview_window % 2 == 0:
            raise OptionError(f'--short-window {self.preview_window}: expected an odd number of readouts')

    @property
    def count(self) -> int:
        """Frames of each job."""
        return len(self.at) or self.frames

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the content of the files."""
        chosen: dict[str, Any] = {'at': list(self.at)} if self.at else {'frames': self.frames}
        chosen |= {'kind': self.kind, 'side_by_side': self.side_by_side, **dict(self.identity)}
        chosen |= {'page': True} if self.page else {}
        return chosen if self.kind == 'png' else chosen | {'fps': self.fps}


def restore_to_file(job: Job, deblurrer: Deblurrer, out: Path, options: RestoreOptions) -> None:
    """Restore one job to one file, whose suffix is `options.kind`.

    Raises:
        SpikeRevealError: the input is at fault, or the file exists or cannot be written.
    """
    if out.exists() and not options.overwrite:
        raise OptionError(f'{out} exists; replace it with --overwrite, or choose another name')
    if out.is_dir():
        raise OptionError(f'{out} is a folder; choose another name')
    if options.kind == 'png' and options.count != 1:
        raise OptionError(
            f'{out}: {options.count} frames do not fit in one PNG; give a folder, an .mp4 or .webm, or --frames 1'
        )
    make_folder(out.absolute().parent)
    with tqdm(total=options.count, unit='frame', disable=None) as progress:
        opened = _open(job, deblurrer, options)
        _write(out, _counted(opened.frames, progress), opened.bits, options)
        opened.write_page(out.with_suffix('.html'))


def restore_to_folder(jobs: Sequence[Job], deblurrer: Deblurrer, out: Path, options: RestoreOptions) -> int:
    """Restore jobs below a folder: PNGs in `<name>/` (in `out` itself where there is one job), or videos `<name>.mp4`.

    `deblur.json` in the folder keeps the settings and what is done; a second run goes on where the first stopped.

    Returns:
        How many jobs were restored in this run.

    Raises:
        SpikeRevealError: the input is at fault, the folder holds results of other settings, or cannot be written.
    """
    make_folder(out)
    ledger = ProgressFile.open(out, options.settings, overwrite=options.overwrite)
    left = [job for job in jobs if not ledger.has(job.name)]
    if len(left) < len(jobs):
        _log.info('%s: %d of %d are done already', out, len(jobs) - len(left), len(jobs))
    is_alone = len(jobs) == 1 and options.kind == 'png'
    targets = {job.name: _target(out, job.name, options.kind, is_alone=is_alone) for job in jobs}
    for job in left:
        _refuse_others(targets[job.name], options, is_first=ledger.is_new)
    if left:
        ledger.write()
    with tqdm(total=len(left) * options.count, unit='frame', disable=None) as progress:
        for job in left:
            try:
                opened = _open(job, deblurrer, options)
            except SpikeDataError as error:
                raise SpikeDataError(f'{job.name}: {error}' if len(jobs) > 1 else str(error)) from error
            target = targets[job.name]
            make_folder(target if options.kind == 'png' else target.parent)
            _write(target, _counted(opened.frames, progress), opened.bits, options)
            opened.write_page(out / f'{Path(job.name).name if is_alone else job.name}.html')
            ledger.add(job.name, opened.readouts)
    return len(left)


def _target(out: Path, name: str, kind: str, *, is_alone: bool) -> Path:
    """The folder of a job's PNGs, or its video."""
    return out if is_alone else out / (name if kind == 'png' else f'{name}.{kind}')


def _refuse_others(target: Path, options: RestoreOptions, *, is_first: bool) -> None:
    """Refuse to replace what is read, or what was there before the first result came into the folder.

    Raises:
        OptionError: it would.
    """
    files = [target / f'{i:03d}.png' for i in range(options.count)] if options.kind == 'png' else [target]
    for file in filter(Path.exists, files):
        if is_input(file, options.inputs):
            raise OptionError(f'{file}: this command reads it, so it cannot write there; choose another folder')
        if is_first and not options.overwrite:
            raise OptionError(f'{file} exists, and no earlier run made it; choose another folder, or pass --overwrite')


@dataclass(frozen=True)
class _Opened:
    """A job read and checked: its readouts, as the file counts them, its frames, the bits of a PNG, and its page."""

    readouts: list[int]
    frames: Iterator[Frame]
    bits: int
    page: Page | None = None

    def write_page(self, path: Path) -> None:
        """Write what was asked for, after all frames have passed."""
        if self.page is not None:
            make_folder(path.absolute().parent)
            self.page.write(path)
            _log.info('page: %s', path)


def _open(job: Job, deblurrer: Deblurrer, options: RestoreOptions) -> _Opened:
    """Read and check a job.

    Raises:
        SpikeRevealError: what it holds is at fault, or it has no photo to show on a page.
    """
    photo = job.photo() if job.photo else None
    size = None if photo is None else (photo.pixels.shape[0], photo.pixels.shape[1])
    window = options.preview_window if photo is None else deblurrer.num_spike
    clip = job.clip(size, window)  # twice what an instant needs: `density: auto` looks further
    instants = _instants(clip, options, window)
    readouts = [clip.offset + instant for instant in instants]
    if photo is None:
        if options.page:
            raise OptionError('--page: shows a photo beside its frames; spikes alone have none')
        return _Opened(readouts, preview_frames(clip.stream, clip.exposure, instants, window), 8)
    page = Page(job.name, photo.pixels, clip, readouts) if options.page else None
    frames = deblurrer.frames(photo.pixels, clip.stream, instants, exposure=clip.exposure, check=options.check)
    frames = page.seen(frames) if page else frames
    frames = beside(photo.pixels, frames) if options.side_by_side else frames
    return _Opened(readouts, frames, 8 if photo.bits == 8 else 16, page)


def _instants(clip: SpikeClip, options: RestoreOptions, window: int) -> tuple[int, ...]:
    count = len(clip.stream)
    if options.at:
        return at_fractions(clip.exposure, options.at, window, count)
    return spread(clip.exposure, options.frames, window, count)


def _write(target: Path, frames: Iterator[npt.NDArray[np.float32]], bits: int, options: RestoreOptions) -> None:
    if options.kind in ('mp4', 'webm'):
        write_video(target, frames, options.fps)
    elif options.kind == 'gif':
        write_gif(target, frames, options.fps)
    elif target.suffix.lower() == '.png':
        write_png(target, next(frames), bits)
    else:
        write_pngs(target, frames, bits)


def _counted(frames: Iterator[Frame], progress: 'tqdm[Any]') -> Iterator[Frame]:
    for frame in frames:
        yield frame
        progress.update()
