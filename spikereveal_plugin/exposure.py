"""When a blurry image was exposed, counted in readouts of the spike camera."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Exposure:
    """The readouts that fall inside one blurry image's exposure.

    The defaults are GOPRO's: 97 of 137 readouts, 20 before and 20 after. RSB's exposure is `RSB`.

    Args:
        first: index of the first readout inside the exposure, 0 or more.
        length: number of readouts inside the exposure, 1 or more; it may be even.

    Raises:
        ValueError: `first` is negative or `length` is below 1.
    """

    first: int = 20
    length: int = 97

    def __post_init__(self) -> None:
        if self.first < 0:
            raise ValueError(f'exposure: first must be 0 or more, got {self.first}')
        if self.length < 1:
            raise ValueError(f'exposure: length must be 1 or more, got {self.length}')

    @property
    def stop(self) -> int:
        """Index after the last readout inside the exposure, as a slice wants it."""
        return self.first + self.length

    @property
    def last(self) -> int:
        """Index of the last readout inside the exposure."""
        return self.stop - 1

    @property
    def centre(self) -> int:
        """Index of the middle readout; of the two in an even exposure, the later one."""
        return self.first + self.length // 2

    def instants(self, count: int, window: int, num_readouts: int) -> tuple[int, ...]:
        """Spread instants evenly from the exposure's first readout to its last.

        An end moves inward only as far as a window around it needs to stay in the stream: with 21 readouts a window
        RSB's ends become 10 and 389. A single instant is the centre.

        Args:
            count: number of instants, 1 or more.
            window: readouts that each instant needs around it, odd.
            num_readouts: length of the whole stream.

        Returns:
            `count` readout indices, strictly increasing, rounded half up.

        Raises:
            ValueError: the window is even, the exposure or a window leaves the stream, or `count` does not fit.
        """
        low, high = self._reach(window, num_readouts)
        if count < 1:
            raise ValueError(f'exposure: count must be 1 or more, got {count}')
        if count == 1:
            return (min(max(self.centre, low), high),)
        span, steps = high - low, count - 1
        if span < steps:
            raise ValueError(
                f'exposure: {count} different instants do not fit in readouts [{low}, {high}]; ask for fewer'
            )
        return tuple(low + (2 * index * span + steps) // (2 * steps) for index in range(count))

    def reach(self, window: int, num_readouts: int) -> range:
        """Every readout of the exposure around which a window stays in the stream.

        Args:
            window: readouts around each, odd.
            num_readouts: length of the whole stream.

        Raises:
            ValueError: there is none, or the exposure leaves the stream.
        """
        low, high = self._reach(window, num_readouts)
        return range(low, high + 1)

    def _reach(self, window: int, num_readouts: int) -> tuple[int, int]:
        """Return the first and the last readout of the exposure whose window stays in the stream."""
        if window < 1 or window % 2 == 0:
            raise ValueError(f'exposure: a window must be odd and positive to have a centre, got {window}')
        if self.stop > num_readouts:
            raise ValueError(f'exposure [{self.first}, {self.last}] leaves the stream of {num_readouts} readouts')
        half = window // 2
        low, high = max(self.first, half), min(self.last, num_readouts - 1 - half)
        if low > high:
            raise ValueError(
                f'exposure [{self.first}, {self.last}]: no window of {window} readouts centred in it stays in the '
                f'stream of {num_readouts} readouts; use a shorter window'
            )
        return low, high


GOPRO = Exposure(20, 97)
RSB = Exposure(0, 400)
