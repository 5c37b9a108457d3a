"""Students cut where one photo's work ends and one instant's begins."""

from torch import Tensor, nn

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.archs.ldn_arch import LDN
from spikereveal_plugin.archs.ldn_plus_arch import LDNPlus
from spikereveal_plugin.inference.engines.ldn_stages import STRIP_ROWS, LdnDecode, LdnEncode

Staged = LDN | LDNPlus


class PlusEncode(nn.Module):
    """The part of LDNPlus that every instant of one photo shares."""

    def __init__(self, network: LDNPlus) -> None:
        super().__init__()
        self.network = network

    def forward(self, blur: Tensor, long_rate: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return blur (1, 3, 4H, 4W), its features (1, num_feat, H, W) and the long rate (1, 1, H, W)."""
        return blur, self.network.encode(blur, long_rate), long_rate


class PlusDecode(nn.Module):
    """The part of LDNPlus of one instant."""

    def __init__(self, network: LDNPlus) -> None:
        super().__init__()
        self.network = network

    def forward(self, blur: Tensor, features: Tensor, long_rate: Tensor, spikes: Tensor) -> Tensor:
        """Return the frame (1, 3, 4H, 4W), not clipped, from `PlusEncode`'s three and spikes (1, num_spike, H, W)."""
        return self.network.decode(blur, features, long_rate, spikes)


def cut_in_two(network: Staged, *, is_traced: bool) -> tuple[nn.Module, nn.Module]:
    """Return the stage of the photo, called as (blur, long_rate), and the stage of an instant, (*encoded, spikes).

    Args:
        network: in evaluation mode.
        is_traced: whether what follows records the stages as graphs, which are to have no loop over strips.
    """
    if isinstance(network, LDN):
        return LdnEncode(network), LdnDecode(network, None if is_traced else STRIP_ROWS)
    return PlusEncode(network), PlusDecode(network)


def network_inputs(network: nn.Module, blur: Tensor, long_rate: Tensor, window: Tensor) -> tuple[Tensor, ...]:
    """Return what a student is called with: photo, spikes and, where its class says so, the exposure's rate."""
    return (blur, window, long_rate) if 'long_rate' in describe(network).inputs else (blur, window)
