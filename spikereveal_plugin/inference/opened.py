"""A job whose files were read, and what its result depends on."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.clip import SpikeClip
from spikereveal_plugin.inference.deblurrer import Deblurrer, Frame
from spikereveal_plugin.inference.instants import at_fractions, spread
from spikereveal_plugin.inference.jobs import Job
from spikereveal_plugin.inference.outputs import beside, make_folder
from spikereveal_plugin.inference.page import Page
from spikereveal_plugin.inference.preview import preview_frames
from spikereveal_plugin.inference.remarks import remarks
from spikereveal_plugin.inference.restore_options import RestoreOptions
from spikereveal_plugin.recordings.photo import Photo

_log = logging.getLogger('spikereveal')


@dataclass(frozen=True)
class Opened:
    """A job read: its photo, spikes and instants, and its readouts as the file counts them."""

    photo: Photo | None
    clip: SpikeClip
    instants: tuple[int, ...]
    window: int
    page: Page | None
    source: str
    """Hash of all that its frames depend on but the options."""

    @property
    def readouts(self) -> list[int]:
        """The instants, as the file of the spikes counts them."""
        return [self.clip.offset + instant for instant in self.instants]

    @property
    def bits(self) -> int:
        """Bits of a channel of a PNG: more than 8 where the photo has them."""
        return 8 if self.photo is None or self.photo.bits == 8 else 16

    def frames(self, deblurrer: Deblurrer, options: RestoreOptions) -> Iterator[Frame]:
        """Check the job, and return what yields its frames.

        Raises:
            SpikeRevealError: what it holds is at fault.
        """
        clip = self.clip
        if self.photo is None:
            return preview_frames(clip.stream, clip.exposure, self.instants, self.window)
        pixels = self.photo.pixels
        frames = deblurrer.frames(pixels, clip.stream, self.instants, exposure=clip.exposure, check=options.check)
        frames = self.page.seen(frames) if self.page else frames
        return beside(pixels, frames) if options.side_by_side else frames

    def say(self, deblurrer: Deblurrer) -> None:
        """Log what the user should know of how the spikes are taken."""
        for remark in remarks(self.photo, self.clip, deblurrer.restorer):
            _log.info(remark)

    def write_page(self, path: Path) -> list[Path]:
        """Write what was asked for, after all frames have passed."""
        if self.page is None:
            return []
        make_folder(path.absolute().parent)
        self.page.write(path)
        _log.info('page: %s', path)
        return [path]


def open_job(job: Job, deblurrer: Deblurrer, options: RestoreOptions) -> Opened:
    """Read a job.

    Raises:
        SpikeRevealError: what it holds is at fault, or it has no photo to show on a page.
    """
    photo = job.photo() if job.photo else None
    size = None if photo is None else (photo.pixels.shape[0], photo.pixels.shape[1])
    window = options.preview_window if photo is None else deblurrer.num_spike
    clip = job.clip(size, window)  # twice what an instant needs: `density: auto` looks further
    instants = _instants(clip, options, window)
    if photo is None and options.page:
        raise OptionError('--page: shows a photo beside its frames; spikes alone have none')
    readouts = [clip.offset + instant for instant in instants]
    page = Page(job.name, photo.pixels, clip, readouts) if photo is not None and options.page else None
    return Opened(photo, clip, instants, window, page, _source(photo, clip, instants, options.made_by))


def _source(photo: Photo | None, clip: SpikeClip, instants: tuple[int, ...], made_by: str) -> str:
    digest = hashlib.sha256(f'{made_by} {clip.exposure} {clip.offset} {instants} {clip.stream.shape}'.encode())
    digest.update(np.packbits(clip.stream).tobytes())
    if photo is not None:
        digest.update(f'{photo.bits} {photo.pixels.shape}'.encode())
        digest.update(photo.pixels.tobytes())
    return digest.hexdigest()


def _instants(clip: SpikeClip, options: RestoreOptions, window: int) -> tuple[int, ...]:
    count = len(clip.stream)
    if options.at:
        return at_fractions(clip.exposure, options.at, window, count)
    return spread(clip.exposure, options.frames, window, count)
