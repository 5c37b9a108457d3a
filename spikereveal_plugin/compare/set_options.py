"""A section of `sets` of an option file."""

from dataclasses import dataclass
from typing import Literal

from spikereveal_plugin.defaults import NUM_FRAMES, RATIO
from spikereveal_plugin.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class SetOptions:
    """A section of `sets`: images to compare with. Neither `gt` nor `data`: no reference."""

    gt: str | None = None
    """a folder of sharp images"""
    data: str | None = None
    """a split of a data set of this package, or the folders of the authors' layout (`blur_data`, `spike_data`,
    `sharp_data` where there is one)"""
    frames: Literal['middle', 'sequence'] | None = None
    """which sharp frames of `data` are used; by default the sequence where it has one"""
    num_frames: int = NUM_FRAMES
    """instants that are restored where there is no sharp frame"""
    window: int = 21
    """readouts around each of these instants"""
    every: int = 1
    """3 compares each third sample of `data`, for a first look at slow methods"""
    exposure: tuple[int, ...] | None = None
    """of the authors' layout: the first readout of each exposure and their number"""
    ratio: int = RATIO
    """of the authors' layout: the image's size over the sensor's"""
    average: Literal['samples', 'sequences'] = 'samples'
    """`sequences` takes the mean over sequences (`seq` of sample `seq/000019`), each the mean over its samples"""

    def __post_init__(self) -> None:
        if self.every < 1:
            raise OptionError(f'every: expected 1 or more, found {self.every}')
