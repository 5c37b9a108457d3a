"""What computes frames from a photo and its spikes, and the form that all of them have."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.compare.complexity import Complexity
from spikereveal_plugin.compare.reading import Frame
from spikereveal_plugin.compare.shot import Shot
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.models.scene import Restorer, Scene


class Computation(Protocol):
    """Turns a shot into frames in [0, 1], one for each of its instants.

    `identity` is a hash of all that the frames depend on beside the shot, `photos` how many of the sequence it sees,
    and `remark` what a reader of its scores must know, or nothing.
    """

    @property
    def identity(self) -> str: ...

    @property
    def photos(self) -> int: ...

    @property
    def remark(self) -> str: ...

    def frames(self, shot: Shot) -> Iterable[Frame]:
        """Compute them; raises SpikeDataError or OptionError where the shot does not suit it."""

    def complexity(self, shot: Shot) -> Complexity:
        """Return what one frame takes."""


@dataclass(frozen=True)
class RestorerComputation:
    """A restorer of this package's models, such as the teacher; `scene` makes what it restores of a shot."""

    identity: str
    restorer: Restorer
    scene: Callable[[Shot], Scene]
    size: Callable[[Shot], Complexity] = lambda _: Complexity()
    remark: str = ''
    photos: int = 1

    def frames(self, shot: Shot) -> Iterable[Frame]:
        try:
            with torch.inference_mode():
                found = self.restorer(self.scene(shot), shot.instants)
        except ValueError as error:  # of physics: a window that leaves the stream, sizes that do not fit
            raise SpikeDataError(str(error)) from None
        return [as_frame(frame) for frame in found]

    def complexity(self, shot: Shot) -> Complexity:
        return self.size(shot)


def batch_of(shot: Shot) -> dict[str, Any]:
    """Return a shot as BasicSR's loader gives an item of `SpikeBlurDataset` to a model."""
    return {
        'lq': as_tensor(shot.blur),
        'spike': torch.from_numpy(shot.spikes).unsqueeze(0).to(torch.uint8),
        'exposure': torch.tensor([[shot.exposure.first, shot.exposure.length]]),
        'lq_path': ['sample'],
    }


def as_tensor(*images: Frame) -> Tensor:
    """Return (N, 3, H, W) of N images (H, W, 3)."""
    return torch.stack([torch.from_numpy(image).permute(2, 0, 1).contiguous() for image in images])


def as_frame(image: Tensor) -> Frame:
    """Return (H, W, 3) in [0, 1] of (1, 3, H, W); what is no number stays so, to be refused."""
    array: Frame = image[0].float().clamp(0, 1).permute(1, 2, 0).contiguous().cpu().numpy()
    return array


def student_inputs(network: nn.Module, shot: Shot, ratio: int = 4) -> tuple[Tensor, ...]:
    """Return blank inputs as large as a shot's: a photo grown to whole sensor pixels, readouts, and a rate if asked."""
    rows, columns = (-(-side // ratio) for side in shot.blur.shape[:2])
    readouts = int(getattr(network, 'num_spike', 1))
    rate = [torch.zeros(1, 1, rows, columns)] if 'long_rate' in describe(network).inputs else []
    return torch.zeros(1, 3, ratio * rows, ratio * columns), torch.zeros(1, readouts, rows, columns), *rate
