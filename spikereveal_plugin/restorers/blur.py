"""The blurry photo itself: what every restorer must beat."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from spikereveal_plugin.restorers.restorer import Capabilities, Restorer
from spikereveal_plugin.shot import Shot


class Blur(Restorer):
    """Gives the photo for every instant."""

    capabilities = Capabilities(sees_spikes=False, instants='one')

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        return (shot.blur for _ in instants)
