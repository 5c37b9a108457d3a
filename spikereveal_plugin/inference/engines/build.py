"""Ways to run a student over the instants of one photo; every way gives the same frames up to rounding."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeGuard

import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.ldn_arch import LDN
from spikereveal_plugin.archs.ldn_plus_arch import LDNPlus
from spikereveal_plugin.errors import EnvironmentProblemError, OptionError
from spikereveal_plugin.inference.engines.stages import Staged, cut_in_two, network_inputs
from spikereveal_plugin.physics.sdm import spike_guided_deblur, upsample_rate

ENGINES = ('auto', 'eager', 'winograd', 'compiled', 'bf16', 'onnx')


class Engine(Protocol):
    """What turns a photo and windows of spikes into frames."""

    num_spike: int

    def encode(self, blur: Tensor, long_rate: Tensor) -> Any:
        """Do once what all instants share.

        Args:
            blur: (1, 3, 4h, 4w), RGB in [0, 1].
            long_rate: (1, 1, h, w), firing rate over the exposure, at the density of the windows.
        """

    def frame(self, encoded: Any, window: Tensor) -> Tensor:
        """Return the frame (1, 3, 4h, 4w), not clipped, from `encode`'s result and spikes (1, num_spike, h, w)."""


class SdmEngine:
    """Physics alone: SDM with bilinear up-sampling (Eq. 8, ablation I-1); needs no weights."""

    def __init__(self, short_window: int = 9) -> None:
        if short_window < 1 or short_window % 2 == 0:
            raise OptionError(f'short window {short_window}: expected an odd number of readouts, such as 9')
        self.num_spike = short_window

    def encode(self, blur: Tensor, long_rate: Tensor) -> tuple[Tensor, Tensor]:
        return blur, upsample_rate(long_rate, *blur.shape[2:])

    def frame(self, encoded: tuple[Tensor, Tensor], window: Tensor) -> Tensor:
        blur, long_rate = encoded
        return spike_guided_deblur(blur, long_rate, upsample_rate(window.mean(1, keepdim=True), *blur.shape[2:]))


class StagedEngine:
    """LDN or LDNPlus in PyTorch: the photo's branch once, channels last; optionally compiled, or in bfloat16."""

    def __init__(self, network: Staged, device: torch.device, *, compiled: bool = False, bf16: bool = False) -> None:
        if bf16 and not has_bf16(device):
            raise EnvironmentProblemError(
                f"engine bf16: this machine's {device.type} cannot multiply bfloat16 itself: it would be slower than "
                'the engine eager'
            )
        self.num_spike = network.num_spike
        self._device, self._bf16 = device, bf16
        self._encode, decode = cut_in_two(network, is_traced=compiled)
        self._decode: Callable[..., Tensor] = decode
        if compiled:
            self._decode = torch.compile(decode, dynamic=False, options={'freezing': True})

    def encode(self, blur: Tensor, long_rate: Tensor) -> tuple[Tensor, ...]:
        with self._precision():
            encoded: tuple[Tensor, ...] = self._encode(self._put(blur), self._put(long_rate))
        return encoded

    def frame(self, encoded: tuple[Tensor, ...], window: Tensor) -> Tensor:
        with self._precision():
            return self._decode(*encoded, self._put(window)).float()

    def _put(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device).contiguous(memory_format=torch.channels_last)

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast(self._device.type, torch.bfloat16) if self._bf16 else nullcontext()


class NetworkEngine:
    """Any registered network, whole: called as `network(blur, spikes)`, or also with the long rate if it takes it."""

    def __init__(self, network: nn.Module, num_spike: int, device: torch.device) -> None:
        self.num_spike, self._network, self._device = num_spike, network, device

    def encode(self, blur: Tensor, long_rate: Tensor) -> tuple[Tensor, Tensor]:
        return blur.to(self._device), long_rate.to(self._device)

    def frame(self, encoded: tuple[Tensor, Tensor], window: Tensor) -> Tensor:
        return self._network(*network_inputs(self._network, *encoded, window.to(self._device)))


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 itself: AVX-512 BF16 or AMX on a CPU."""
    if device.type == 'cuda':
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get('avx512_bf16') or capabilities.get('amx_bf16'))


def runs_by_winograd(network: nn.Module) -> TypeGuard[LDN]:
    """Whether `winograd` can run a network: LDN, with channels that are whole vectors of eight."""
    return isinstance(network, LDN) and network.blur_down1.out_channels % 4 == 0


def build_engine(name: str, network: nn.Module, device: torch.device, tile: int | None = None) -> Engine:
    """Make an engine.

    Args:
        name: one of `ENGINES`; `auto` is `winograd` where that can run, else `eager`.
        network: a student in evaluation mode; all engines but `eager` want LDN or LDNPlus, `winograd` LDN.
        device: where to run; `onnx` and `winograd` run on the CPU.
        tile: side of a tile in image pixels, or None for the whole image at once; `eager` only.

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
    if not isinstance(network, Staged):
        if name != 'eager' or tile is not None:
            raise OptionError(f'{type(network).__name__}: only the engine eager without tiles runs it')
        return NetworkEngine(network, int(network.num_spike), device)  # type: ignore[arg-type]
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if tile is not None:
        from spikereveal_plugin.inference.engines.ldn_tiles import TiledLdnEngine  # noqa: PLC0415
        from spikereveal_plugin.inference.engines.plus_tiles import TiledPlusEngine  # noqa: PLC0415

        return (
            TiledPlusEngine(network, device, tile)
            if isinstance(network, LDNPlus)
            else TiledLdnEngine(network, device, tile)
        )
    if name == 'onnx':
        from spikereveal_plugin.inference.engines.onnx import OnnxEngine  # noqa: PLC0415

        return OnnxEngine(network)
    if name == 'winograd':
        if not runs_by_winograd(network):
            raise OptionError("engine 'winograd': runs LDN only, its num_feat a multiple of 4; use eager")
        from spikereveal_plugin.inference.engines.winograd import WinogradEngine  # noqa: PLC0415

        return WinogradEngine(network.cpu())
    return StagedEngine(network, device, compiled=name == 'compiled', bf16=name == 'bf16')
