"""Ways to run a student over the instants of one photo; every way gives the same frames up to rounding."""

from collections.abc import Callable, Mapping
from typing import TypeGuard

import torch
from torch import nn

from spikereveal_plugin.archs.ldn_arch import LDN
from spikereveal_plugin.archs.ldn_light_arch import LDNLight
from spikereveal_plugin.archs.ldn_plus_arch import LDNPlus
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.engines.engine import Engine
from spikereveal_plugin.inference.engines.ldn_tiles import TiledLdnEngine
from spikereveal_plugin.inference.engines.light_tiles import TiledLightEngine
from spikereveal_plugin.inference.engines.names import ENGINES
from spikereveal_plugin.inference.engines.onnx import OnnxEngine
from spikereveal_plugin.inference.engines.plus_tiles import TiledPlusEngine
from spikereveal_plugin.inference.engines.staged import StagedEngine
from spikereveal_plugin.inference.engines.stages import STAGES
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.restorers.student import OneByOne

_TILED: Mapping[type[nn.Module], Callable[..., Engine]] = {
    LDN: TiledLdnEngine,
    LDNPlus: TiledPlusEngine,
    LDNLight: TiledLightEngine,
}


def build_engine(
    name: str,
    network: nn.Module,
    device: torch.device,
    tile: int | None = None,
    density: Density = AS_RECORDED,
) -> Restorer:
    """Make an engine.

    Args:
        name: one of `ENGINES`; `auto` is `winograd` where that can run, else `eager`.
        network: a student in evaluation mode; all engines but `eager` want one of `STAGES`, `winograd` LDN.
        device: where to run; `onnx` and `winograd` run on the CPU.
        tile: side of a tile in image pixels, or None for the whole image at once; `eager` only.
        density: how dense the network wants spikes to be.

    Raises:
        OptionError: the name is unknown, or the engine cannot run this network.
        EnvironmentProblemError: the engine needs what this machine has not.
    """
    if name not in ENGINES:
        raise OptionError(f'engine {name!r}: expected one of {", ".join(ENGINES)}')
    if name == 'auto':
        name = 'winograd' if tile is None and device.type == 'cpu' and runs_by_winograd(network) else 'eager'
    if tile is not None and name != 'eager':
        raise OptionError(f'engine {name!r}: tiles are run by the engine eager only')
    network = network.to(device).eval()
    if type(network) not in STAGES:
        if name != 'eager' or tile is not None:
            raise OptionError(f'{type(network).__name__}: only the engine eager without tiles runs it')
        return OneByOne(network, density)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if tile is not None:
        return _TILED[type(network)](network, device, tile, density)
    if name == 'onnx':
        return OnnxEngine(network, density)
    if name == 'winograd':
        if not runs_by_winograd(network):
            raise OptionError("engine 'winograd': runs LDN only, its num_feat a multiple of 4; use eager")
        from spikereveal_plugin.inference.engines.winograd import WinogradEngine  # noqa: PLC0415  (loads numba)

        return WinogradEngine(network.cpu(), density)
    return StagedEngine(network, device, density, compiled=name == 'compiled', bf16=name == 'bf16')


def runs_by_winograd(network: nn.Module) -> TypeGuard[LDN]:
    """Whether `winograd` can run a network: LDN, with channels that are whole vectors of eight."""
    return type(network) is LDN and network.blur_down1.out_channels % 4 == 0
