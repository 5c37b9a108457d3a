"""A spike stream read window by window, so that memory does not grow with a recording's length."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spikereveal_plugin.formats.vidar import read_readouts

Spikes = npt.NDArray[Any]
BLOCK: Final = 64  # readouts that are decoded at a time


@dataclass(frozen=True)
class SpikeStream:
    """`shape` is (T, h, w); `read(start, stop)` returns readouts [start, stop), bool or 0 and 1, top row first."""

    shape: tuple[int, int, int]
    read: Callable[[int, int], Spikes]

    @classmethod
    def of_array(cls, spikes: Spikes) -> 'SpikeStream':
        """Show an array (T, h, w) that is in memory already."""
        return cls(spikes.shape, lambda start, stop: spikes[start:stop])  # type: ignore[arg-type]

    @classmethod
    def of_dat(cls, path: Path, shape: tuple[int, int, int], *, flip: bool, header: int) -> 'SpikeStream':
        """Show the first T readouts after a `.dat`'s header."""
        _, height, width = shape
        return cls(shape, lambda start, stop: read_readouts(path, height, width, start, stop, flip=flip, header=header))

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def sensor(self) -> tuple[int, int]:
        """Height and width."""
        return self.shape[1:]

    def whole(self) -> Spikes:
        """Read it all: T h w bytes."""
        return self.read(0, len(self))

    def upside_down(self) -> 'SpikeStream':
        """Return the stream with its rows in the other order."""
        return SpikeStream(self.shape, lambda start, stop: self.read(start, stop)[:, ::-1])

    def first_columns(self, width: int) -> 'SpikeStream':
        """Return the stream without the columns after the first `width`."""
        if width == self.shape[2]:
            return self
        return SpikeStream((*self.shape[:2], width), lambda start, stop: self.read(start, stop)[:, :, :width])

    def rate(self, most: int | None = None) -> npt.NDArray[np.float32]:
        """Return the (h, w) firing rate over the stream, or over at most `most` blocks that are spread over it."""
        count = -(-len(self) // BLOCK)
        chosen = {round(i) for i in np.linspace(0, count - 1, min(most or count, count))}
        total, num_readouts = np.zeros(self.sensor, np.int64), 0
        for index in sorted(chosen):
            block = self.read(index * BLOCK, min((index + 1) * BLOCK, len(self)))
            total += block.sum(axis=0, dtype=np.int64)
            num_readouts += len(block)
        return (total / num_readouts).astype(np.float32)
