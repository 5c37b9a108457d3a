"""Which frames of a sequence make which exposure, and which exposures are for testing (method of Spike-GOPRO)."""

from collections.abc import Mapping
from dataclasses import dataclass

from spikereveal_plugin.building.exposure_builder import Capture
from spikereveal_plugin.errors import OptionError, SpikeDataError

FACTORS = (8, 16, 32)
TEST_SHARE = 0.2


@dataclass(frozen=True)
class Schedule:
    """Exposure `e` covers the originals `e n ... e n + n - 1`, with `factor` (n - 1) + 1 readouts, n = `originals`.

    Readouts are counted from the first original of the sequence. Exposure 0 is never made: it has no margin before it.
    A stored frame is `frame_step` readouts after the one before it: `factor`, or 1 where the footage was interpolated
    already.
    """

    factor: int
    originals: int
    margin_before: int
    num_readouts: int
    frame_step: int

    @classmethod
    def for_factor(cls, factor: int, capture: Capture, *, is_interpolated: bool = False) -> 'Schedule':
        """Return the schedule whose exposures are as long as the capture's: 8 x 13, 16 x 7 or 32 x 4 on 97 readouts.

        Raises:
            OptionError: `factor` is none of these.
        """
        length = capture.exposure.length
        if factor not in FACTORS or (length - 1) % factor:
            choices = ', '.join(f'{known} ({(length - 1) // known + 1} frames an exposure)' for known in FACTORS)
            raise OptionError(f'factor {factor}: an exposure of {length} readouts needs one of {choices}')
        step = 1 if is_interpolated else factor
        return cls(factor, (length - 1) // factor + 1, capture.exposure.first, capture.num_readouts, step)

    def first_readout(self, index: int) -> int:
        """Readout at which the window of exposure `index` starts, margin included."""
        return index * self.originals * self.factor - self.margin_before

    def name(self, index: int) -> str:
        """Index of the middle original frame, six digits: 000019, 000032, ... with factor 8."""
        return f'{index * self.originals + self.originals // 2:06d}'

    def count(self, num_frames: int) -> int:
        """How many exposures fit into `num_frames` stored frames."""
        last = (num_frames - 1) * self.frame_step  # readout of the last frame
        return max(0, (last + 1 - self.num_readouts + self.margin_before) // (self.originals * self.factor))

    def check_length(self, place: str, num_frames: int) -> int:
        """Return the number of exposures, at least one.

        Raises:
            SpikeDataError: there are too few frames for one exposure.
        """
        if count := self.count(num_frames):
            return count
        needed = -(-(self.first_readout(1) + self.num_readouts - 1) // self.frame_step) + 1
        kind = '' if self.frame_step > 1 else ' (interpolated)'
        raise SpikeDataError(
            f'{place}: {num_frames} frames{kind}, factor {self.factor} needs at least {needed}; '
            f'give longer footage or a larger factor'
        )


def plan_split(counts: Mapping[str, int], test: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Say for each exposure of each sequence whether it is 'train' or 'test'.

    Args:
        counts: number of exposures by sequence.
        test: sequences to test on; if empty, the last fifth of each sequence, at least one exposure, is for testing.

    Raises:
        OptionError: `test` names no sequence that exists, or leaves nothing to train on.
    """
    if unknown := sorted(set(test) - counts.keys()):
        raise OptionError(f'test sequence {unknown[0]!r} is not among the footage: {", ".join(sorted(counts))}')
    plan = {}
    for name, count in counts.items():
        num_test = max(1, round(TEST_SHARE * count))
        if test:
            num_test = count if name in test else 0
        plan[name] = ('train',) * (count - num_test) + ('test',) * num_test
    if not any('train' in splits for splits in plan.values()):
        raise OptionError(
            f'nothing is left to train on: {sum(counts.values())} exposure(s) in {len(counts)} sequence(s), all for '
            f'testing; give more footage or name fewer test sequences'
        )
    return plan
