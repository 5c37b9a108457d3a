"""What a network takes and can do, said once by the network itself."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """What a network is called with, and what its images must be like.

    A network says it as its attribute `descriptor`. One without is described by the attributes `num_spike`,
    `takes_long_rate` and `upscale` that it has, as networks of photo and spikes outside this package do.
    """

    inputs: tuple[str, ...] = ('blur',)
    """what `forward` takes, in its order: names of `restorers/inputs.py`"""
    num_spike: int = 1
    """readouts of the window around an instant, odd"""
    any_threshold: bool = False
    """whether it takes spikes of any threshold as recorded, since it observes the threshold on each photo"""
    min_side: int = 1
    """sensor pixels on each side of the smallest photo that a traced graph is right for"""
    upscale: int | None = None
    """the image's size over the sensor's; None: the network does not fix it"""

    @property
    def is_student(self) -> bool:
        """Whether it turns a photo and spikes around an instant into the frame of that instant."""
        return 'window' in self.inputs


def describe(network: nn.Module) -> Descriptor:
    """Return what a network says of itself."""
    descriptor = getattr(network, 'descriptor', None)
    if isinstance(descriptor, Descriptor):
        return descriptor
    num_spike = getattr(network, 'num_spike', None)
    if not isinstance(num_spike, int):
        return Descriptor(upscale=getattr(network, 'upscale', None))
    long_rate = ('long_rate',) if getattr(network, 'takes_long_rate', False) else ()
    inputs = ('blur', 'window', *long_rate)
    return Descriptor(inputs=inputs, num_spike=num_spike, upscale=getattr(network, 'upscale', None))
