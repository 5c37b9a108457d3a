"""What to restore and how to write it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from spikereveal_plugin.defaults import FPS, NUM_FRAMES
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.outputs import PICTURES
from spikereveal_plugin.inference.preview import WINDOW

MOST_FRAMES: Final = 1_000_000  # of one exposure: more than any stream has readouts


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
        made_by: hash of the weights' file.
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
    made_by: str = ''

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= MOST_FRAMES:
            raise OptionError(f'--frames {self.frames}: expected 1 or more, up to {MOST_FRAMES}')
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
        return chosen if self.is_pictures else chosen | {'fps': self.fps}

    @property
    def is_pictures(self) -> bool:
        """Whether each frame is a file."""
        return self.kind in PICTURES
