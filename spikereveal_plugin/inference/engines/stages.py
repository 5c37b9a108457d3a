"""Students cut where one photo's work ends and one instant's begins."""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from spikereveal_plugin.archs.ldn_arch import LDN
from spikereveal_plugin.archs.ldn_light_arch import Encoded, LDNLight
from spikereveal_plugin.archs.ldn_plus_arch import LDNPlus
from spikereveal_plugin.inference.engines.ldn_stages import STRIP_ROWS, LdnDecode, LdnEncode


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


class LightEncode(nn.Module):
    """The part of LDNLight that every instant of one photo shares."""

    def __init__(self, network: LDNLight) -> None:
        super().__init__()
        self.network = network

    def forward(self, blur: Tensor, long_rate: Tensor) -> Encoded:
        """Return what `LDNLight.encode` makes of blur (1, 3, 4H, 4W) and the long rate (1, 1, H, W)."""
        return self.network.encode(blur, long_rate)


class LightDecode(nn.Module):
    """The part of LDNLight of one instant."""

    def __init__(self, network: LDNLight) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the frame (1, 3, 4H, 4W), not clipped, from `LightEncode`'s result and spikes (1, num_spike, H, W)."""
        *encoded, spikes = inputs
        return self.network.decode(Encoded(*encoded), spikes)


def cut_ldn(network: LDN, *, is_traced: bool) -> tuple[nn.Module, nn.Module]:
    """Cut LDN; where it is traced, without a loop over strips."""
    return LdnEncode(network), LdnDecode(network, None if is_traced else STRIP_ROWS)


def cut_plus(network: LDNPlus, *, is_traced: bool) -> tuple[nn.Module, nn.Module]:
    """Cut LDNPlus."""
    del is_traced  # there is no loop in it
    return PlusEncode(network), PlusDecode(network)


def cut_light(network: LDNLight, *, is_traced: bool) -> tuple[nn.Module, nn.Module]:
    """Cut LDNLight."""
    del is_traced  # its one loop is over photos
    return LightEncode(network), LightDecode(network)


STAGES: Mapping[type[nn.Module], Callable[..., tuple[nn.Module, nn.Module]]] = {
    LDN: cut_ldn,
    LDNPlus: cut_plus,
    LDNLight: cut_light,
}


def cut_in_two(network: nn.Module, *, is_traced: bool) -> tuple[nn.Module, nn.Module]:
    """Return the stage of the photo, called as (blur, long_rate), and the stage of an instant, (*encoded, spikes).

    Args:
        network: one of `STAGES`, in evaluation mode.
        is_traced: whether what follows records the stages as graphs.
    """
    return STAGES[type(network)](network, is_traced=is_traced)
