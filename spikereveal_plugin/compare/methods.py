"""Rows of the table: what turns a sample into frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from spikereveal_plugin.compare.reading import Frame, check_frame, digest, named
from spikereveal_plugin.compare.sets import FolderSet, TestSet
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.restorers.blur import Blur
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.restorers.restorer import Restorer


class Method(Protocol):
    """Restores the frames of samples."""

    label: str
    is_photo: bool
    """whether its frames are the blurry photo itself"""

    def covers(self, test_set: TestSet) -> bool:
        """Whether it has results for this set; raises SpikeRevealError where what it has does not fit the set."""

    def digest(self, test_set: TestSet, key: str) -> str:
        """Hash of all that its frames of a sample depend on beside the sample."""

    def restore(self, test_set: TestSet, key: str) -> list[Frame]:
        """The frames of a sample, as many and as large as the set's."""


@dataclass(frozen=True)
class Row:
    """A row of the table: its method, or another one (None: nothing) on sets that `per_set` names."""

    label: str
    method: Method
    per_set: Mapping[str, Method | None]
    group: str | None = None

    def on(self, set_label: str) -> Method | None:
        """Return the method that restores a set."""
        return self.per_set.get(set_label, self.method)

    @property
    def methods(self) -> list[Method]:
        """The method and each of its other forms."""
        return [self.method, *(method for method in self.per_set.values() if method is not None)]


class RestoredMethod:
    """Frames that a restorer makes of photo and spikes; `identity` hashes all that they depend on beside these."""

    def __init__(self, label: str, restorer: Restorer, identity: str) -> None:
        self.label, self.restorer, self.identity = label, restorer, identity
        self.is_photo = isinstance(restorer, Blur)

    @property
    def photos(self) -> int:
        """How many photos of the sequence it sees."""
        return self.restorer.capabilities.photos

    def covers(self, test_set: TestSet) -> bool:
        if isinstance(test_set, FolderSet):
            raise OptionError(
                f'{self.label!r} restores from blur and spikes, and {test_set.label!r} holds images alone; name a data '
                'set as `data` (--data), or compare folders of results'
            )
        return True

    def digest(self, test_set: TestSet, key: str) -> str:
        shot = test_set.shot(key, self.photos)
        return self.identity if shot.photos is None else digest([self.identity, shot.photos.numpy().tobytes()])

    def restore(self, test_set: TestSet, key: str) -> list[Frame]:
        where = f'{self.label!r} on {key!r} of {test_set.label!r}'
        shot = test_set.shot(key, self.photos)
        with named(where):
            frames = [as_frame(frame) for frame in restore(self.restorer, shot, test_set.instants(key))]
        for frame in frames:
            check_frame(frame, where)
        return frames


def as_frame(image: Tensor) -> Frame:
    """Return (H, W, 3) in [0, 1] of (1, 3, H, W); what is no number stays so, to be refused."""
    array: Frame = image[0].float().clamp(0, 1).permute(1, 2, 0).contiguous().cpu().numpy()
    return array
