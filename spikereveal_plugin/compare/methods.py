"""Rows of the table: what turns a sample into frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from spikereveal_plugin.compare.computation import Computation
from spikereveal_plugin.compare.reading import Frame, check_frame, digest
from spikereveal_plugin.compare.sets import FolderSet, TestSet
from spikereveal_plugin.errors import OptionError, SpikeDataError


class Method(Protocol):
    """Restores the frames of samples."""

    label: str

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


class BlurMethod:
    """The blurry photo, for every frame."""

    def __init__(self, label: str) -> None:
        self.label = label

    def covers(self, test_set: TestSet) -> bool:
        _need_spikes(self.label, test_set)
        return True

    def digest(self, test_set: TestSet, key: str) -> str:
        return 'blur'

    def restore(self, test_set: TestSet, key: str) -> list[Frame]:
        shot = test_set.shot(key)
        return [shot.blur] * len(shot.instants)


class ComputedMethod:
    """Frames that are computed here from photo and spikes."""

    def __init__(self, label: str, computation: Computation) -> None:
        self.label, self.computation = label, computation

    def covers(self, test_set: TestSet) -> bool:
        _need_spikes(self.label, test_set)
        return True

    def digest(self, test_set: TestSet, key: str) -> str:
        if self.computation.photos == 1:
            return self.computation.identity
        photos = test_set.shot(key, self.computation.photos).photos
        return digest([self.computation.identity, *(photo.tobytes() for photo in photos)])

    def restore(self, test_set: TestSet, key: str) -> list[Frame]:
        shot = test_set.shot(key, self.computation.photos)
        where = f'{self.label!r} on {key!r} of {test_set.label!r}'
        try:
            frames = list(self.computation.frames(shot))
        except (SpikeDataError, OptionError) as error:
            raise type(error)(f'{where}: {error}') from None
        for frame in frames:
            check_frame(frame, where)
        return frames


def _need_spikes(label: str, test_set: TestSet) -> None:
    if isinstance(test_set, FolderSet):
        raise OptionError(
            f'{label!r} restores from blur and spikes, and {test_set.label!r} holds images alone; name a data set as '
            '`data` (--data), or compare folders of results'
        )
