"""A student: a network that turns a photo and spikes around instants into their frames (Eq. 11)."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from torch import Tensor, nn

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.restorers.inputs import blank_shot, network_inputs
from spikereveal_plugin.restorers.restorer import Call, Capabilities, Restorer
from spikereveal_plugin.shot import Shot


class Student(Restorer):
    """Runs a student whole; all instants of a call share its pass over the photo.

    Args:
        network: what its descriptor says; not changed here.
        density: how dense it wants spikes to be.

    Raises:
        ValueError: the network sees no window of spikes.
    """

    def __init__(self, network: nn.Module, density: Density = AS_RECORDED) -> None:
        self.network, self.descriptor = network, describe(network)
        if not self.descriptor.is_student:
            raise ValueError(
                f'{type(network).__name__} takes no window of spikes; expected a network of a photo and spikes, '
                'such as LDN'
            )
        self.capabilities = Capabilities(
            window=self.descriptor.num_spike, ratio=self.descriptor.upscale or RATIO, density=density
        )

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {'network_g': self.network}

    def sequence(self, shot: Shot, instants: Sequence[int], call: Callable[..., Tensor] | None = None) -> Tensor:
        """Return the frames of N instants, (B, N, 3, H, W), not clipped.

        Args:
            shot: photo and spikes.
            instants: readout indices.
            call: what to call in the network's place, such as its wrapper of several processes.
        """
        return (call or self.network)(*network_inputs(self.descriptor, shot, instants))

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        return iter(self.sequence(shot, instants).clamp(0, 1).unbind(1))

    def calls(self, shot: Shot) -> tuple[Call, ...]:
        ratio = self.capabilities.ratio or 1
        blank = blank_shot(self.descriptor, *(-(-side // ratio) for side in shot.size))
        return ((self.network, self.inputs_at(blank, blank.exposure.centre)),)

    def inputs_at(self, shot: Shot, instant: int) -> tuple[Tensor, ...]:
        """Return what the network is called with at one instant; a window has no axis of instants."""
        inputs = zip(self.descriptor.inputs, network_inputs(self.descriptor, shot, [instant]), strict=True)
        return tuple(tensor.squeeze(1) if name == 'window' else tensor for name, tensor in inputs)


class OneByOne(Student):
    """Runs a student whole, one instant after another: memory does not grow with their number."""

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        for instant in instants:
            frame: Tensor = self.network(*self.inputs_at(shot, instant))
            yield frame.clamp(0, 1)
