"""`deblur --page`: photo, restored frames and firing rate of one exposure on a page that needs no network."""

import base64
import html
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from spikereveal_plugin._version import __version__
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.inference.clip import SpikeClip
from spikereveal_plugin.inference.outputs import writing
from spikereveal_plugin.recordings.photo import quantise

LONGEST: Final = 1280  # pixels of a frame's longer side on the page
QUALITY: Final = 88
MOST_FRAMES: Final = 200


@dataclass
class Page:
    """Gathers what passes; each frame is kept as a JPEG of at most `LONGEST` pixels.

    Args:
        title: heading.
        photo: (H, W, 3) RGB in [0, 1].
        clip: its spikes.
        readouts: of the frames, as the file counts them.

    Raises:
        OptionError: a page of so many frames would be too large.
    """

    title: str
    photo: npt.NDArray[np.float32]
    clip: SpikeClip
    readouts: list[int]
    frames: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.readouts) > MOST_FRAMES:
            raise OptionError(f'--page: {len(self.readouts)} frames do not fit on one page; at most {MOST_FRAMES}')

    def seen(self, frames: Iterator[npt.NDArray[np.float32]]) -> Iterator[npt.NDArray[np.float32]]:
        """Pass frames on, (H, W, 3) RGB in [0, 1], and keep a small picture of each."""
        for frame in frames:
            self.frames.append(_jpeg(frame))
            yield frame

    def write(self, path: Path) -> None:
        """Write the page.

        Raises:
            OutputError: it cannot be written.
        """
        exposure = self.clip.exposure
        content: dict[str, Any] = {
            'photo': _jpeg(self.photo),
            'frames': self.frames,
            'readouts': self.readouts,
            'rates': [round(float(rate), 5) for rate in self.clip.stream.mean(axis=(1, 2))],
            'first': self.clip.offset,
            'exposure': [self.clip.offset + exposure.first, exposure.length],
        }
        text = files('spikereveal_plugin.inference').joinpath('page/deblur.html').read_text(encoding='utf-8')
        parts = {
            'title': html.escape(self.title),
            'footer': f'spikereveal_plugin {html.escape(__version__)}',
            'data': json.dumps(content).replace('<', '\\u003c'),
        }
        for name, part in parts.items():
            text = text.replace(f'{{{{{name}}}}}', part)
        with writing(path):
            write_atomically(path, text.encode())


def _jpeg(frame: npt.NDArray[np.float32]) -> str:
    """A picture as a `data:` address."""
    picture = np.ascontiguousarray(quantise(frame)[:, :, ::-1])
    scale = LONGEST / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    raw = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    return f'data:image/jpeg;base64,{base64.b64encode(raw).decode()}'
