"""Students in PyTorch, cut in two: the photo's stage once, channels last; optionally compiled, or in bfloat16."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from spikereveal_plugin.errors import EnvironmentProblemError
from spikereveal_plugin.inference.engines.engine import Engine
from spikereveal_plugin.inference.engines.stages import cut_in_two
from spikereveal_plugin.physics.density import AS_RECORDED, Density


class StagedEngine(Engine):
    """A network of `STAGES` in PyTorch.

    Args:
        network: in evaluation mode.
        device: where to compute.
        density: how dense it wants spikes to be.
        compiled: hand the stage of an instant to `torch.compile`.
        bf16: compute in bfloat16.

    Raises:
        EnvironmentProblemError: the device cannot multiply bfloat16 itself.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        density: Density = AS_RECORDED,
        *,
        compiled: bool = False,
        bf16: bool = False,
    ) -> None:
        if bf16 and not has_bf16(device):
            raise EnvironmentProblemError(
                f"engine bf16: this machine's {device.type} cannot multiply bfloat16 itself: it would be slower than "
                'the engine eager'
            )
        super().__init__(network, density)
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


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 itself: AVX-512 BF16 or AMX on a CPU."""
    if device.type == 'cuda':
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get('avx512_bf16') or capabilities.get('amx_bf16'))
