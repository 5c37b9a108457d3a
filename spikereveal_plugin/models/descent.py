"""One optimiser's steps: in mixed precision, over several batches, with a limit to the gradient, as `train` says."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.sections import TrainOptions

_DTYPES = {'bf16': torch.bfloat16, 'fp16': torch.float16}


class Descent:
    """Bring losses down: `begin`, forward inside `autocast`, `backward` as often as one likes, `end`.

    Args:
        network: what `optimizer` trains, also wrapped for several processes.
        optimizer: its optimiser.
        train: `amp`, `grad_clip` and `accumulate` of section `train`.
        device: where the network is.
    """

    def __init__(self, network: nn.Module, optimizer: Optimizer, train: TrainOptions, device: torch.device) -> None:
        self._network, self._optimizer, self._train, self._device = network, optimizer, train, device
        self._scaler = torch.amp.GradScaler(device.type, enabled=train.amp == 'fp16')
        self._batches = 0  # whose gradients are summed and not yet used

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of a forward pass: float32 as it is, or the type that `amp` names where that is safe."""
        dtype = _DTYPES.get(self._train.amp or '')
        return torch.autocast(self._device.type, dtype=dtype, enabled=dtype is not None)

    def begin(self) -> None:
        """Forget the gradients of the last step, unless this batch adds to them."""
        if self._batches == 0:
            self._optimizer.zero_grad(set_to_none=True)

    def scale(self, loss: Tensor) -> Tensor:
        """A loss as it must be propagated: its share of the batches that a step is made of, kept from underflow."""
        scaled: Tensor = self._scaler.scale(loss / self._train.accumulate)
        return scaled

    def end(self) -> bool:
        """Count this batch's gradients; with the last of `accumulate` batches, step. Returns whether it stepped."""
        self._batches += 1
        if self._batches < self._train.accumulate:
            return False
        self._batches = 0
        if self._train.grad_clip is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._network.parameters(), self._train.grad_clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return True

    def state_dict(self) -> dict[str, Any]:
        """What an exact resume needs: the scaler, and the gradients of a step that is not complete."""
        grads = {
            name: parameter.grad.cpu()
            for name, parameter in self._bare().named_parameters()
            if self._batches and parameter.grad is not None
        }
        return {'scaler': self._scaler.state_dict(), 'batches': self._batches, 'grads': grads}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict`; a scaler's state is taken where both runs have one."""
        if self._scaler.is_enabled() and state['scaler']:
            self._scaler.load_state_dict(state['scaler'])
        self._batches = state['batches'] % self._train.accumulate
        parameters = dict(self._bare().named_parameters())
        for name, grad in state['grads'].items() if self._batches else ():
            parameters[name].grad = grad.to(parameters[name].device)

    def _bare(self) -> nn.Module:
        inner = getattr(self._network, 'module', self._network)
        return inner if isinstance(inner, nn.Module) else self._network


def check_scalar(name: str, loss: Any) -> None:
    """Refuse a loss that is not one number.

    Raises:
        OptionError: it is something else.
    """
    if not isinstance(loss, Tensor) or loss.dim():
        raise OptionError(f'train: the loss of {name} must give one number; it gives {type(loss).__name__}')
