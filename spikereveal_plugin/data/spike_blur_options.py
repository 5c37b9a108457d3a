"""The YAML keys of `SpikeBlurDataset`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spikereveal_plugin.data.section_options import SectionOptions
from spikereveal_plugin.defaults import NUM_INSTANTS, RATIO
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import GOPRO
from spikereveal_plugin.formats.text_file import read_text
from spikereveal_plugin.physics.density import Density


@dataclass(frozen=True, kw_only=True)
class SpikeBlurOptions(SectionOptions):
    """A section of `datasets` with `type: SpikeBlurDataset`."""

    dataroot_lq: str
    """the photos: an LMDB, or the authors' folder"""
    dataroot_spike: str
    """the spikes: an LMDB, or the authors' folder"""
    io_backend: Mapping[str, Any]
    """`type: lmdb`, or `type: disk` for the authors' folders"""
    meta_info_file: str | None = None
    """a text file that lists the samples to use, one key a line; ~: all"""
    dataroot_gt: str | None = None
    """sharp images at the middle of each exposure"""
    dataroot_gt_sequence: str | None = None
    """sharp images at several instants"""
    gt_instants: int | None = None
    """how many of these a training item draws; ~: all"""
    dataroot_teacher: str | None = None
    """a cache of the teacher; filled in where `train.teacher: cache` asks for it"""
    teacher_instants: int | tuple[int, ...] = NUM_INSTANTS
    """filled in: its instants, listed or spread over the exposure"""
    teacher_window: int = 21
    """filled in: readouts around each of these"""
    density: float | Literal['auto'] = 1.0
    """how many times denser the models make the spikes before anything sees them; 1.0 leaves them; `auto`: as dense as
    those of `trained_threshold`, by the threshold that each sample shows; by default what the weights say"""
    trained_threshold: float = 1.0
    """of the camera that `density: auto` imitates; by default what the weights say"""
    thresholds: tuple[int, ...] = (1,)
    """factors, one drawn for each training item, by which its camera's threshold is raised first"""
    in_step: float = 0.0
    """the share of training items whose pixels start with one charge where a threshold is raised, as those of the
    paper's simulation do; in the others each starts with its own, as a camera's do"""
    noise_spikes: float = 0.0
    """the probability that a pixel then fires by itself in a readout (`physics/threshold.py`)"""
    exposure: tuple[int, ...] = (GOPRO.first, GOPRO.length)
    """first readout and length; of folders, since an LMDB holds it"""
    ratio: int = RATIO
    """the image's size over the sensor's; of folders, since an LMDB holds it"""

    def __post_init__(self) -> None:
        try:
            _ = self.wants
        except ValueError as error:
            raise OptionError(str(error)) from None
        if not self.thresholds or min(self.thresholds) < 1:
            raise OptionError(f'thresholds: expected whole factors of at least 1, found {list(self.thresholds)}')
        if self.gt_instants is not None and self.gt_instants < 1:
            raise OptionError(f'gt_instants: expected at least 1, found {self.gt_instants}')
        if not 0 <= self.in_step <= 1:
            raise OptionError(f'in_step: expected a share in [0, 1], found {self.in_step}')
        if not 0 <= self.noise_spikes < 1:
            raise OptionError(f'noise_spikes: expected a probability below 1, found {self.noise_spikes}')

    @property
    def wants(self) -> Density:
        """How dense spikes shall be made."""
        return Density(self.density, self.trained_threshold)

    @property
    def spoils(self) -> bool:
        """Whether training items hold other spikes than were recorded."""
        return self.thresholds != (1,) or self.noise_spikes > 0


def listed_keys(path: Path, keys: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the samples that a text file lists, one key a line.

    BasicSR's tools write a suffix and more after a space, such as `clip/000019.png (720,1280,3)`; both may be there.

    Raises:
        OptionError: the file is missing or empty, or lists a sample that is not there, or one twice.
    """
    try:
        lines = read_text(path).splitlines()
    except SpikeDataError as error:
        raise OptionError(f'{where}.meta_info_file: {error}') from None
    known, listed = set(keys), []
    for line in filter(None, map(str.strip, lines)):
        word = line.split(' ')[0]
        key = next((name for name in (line, word, word.rpartition('.')[0]) if name in known), word)
        if key not in known or key in listed:
            raise OptionError(
                f'{where}.meta_info_file: {path}: {key} is {"twice in it" if key in known else "no sample of this set"}'
            )
        listed.append(key)
    if not listed:
        raise OptionError(f'{where}.meta_info_file: {path} lists no sample')
    return tuple(listed)
