"""Clip images to [0, 1] without stopping the learning where they leave it."""

from typing import Any

import torch
from torch import Tensor


class _ClipKeepGradient(torch.autograd.Function):
    """Clamp forwards, identity backwards."""

    @staticmethod
    def forward(ctx: Any, image: Tensor) -> Tensor:
        return image.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return grad


def clip_keep_gradient(image: Tensor) -> Tensor:
    """Clip to [0, 1]; the gradient passes as if nothing were clipped.

    With `clamp` alone, a network whose output starts out negative everywhere would get no gradient and never learn.

    Args:
        image: floating, any shape.

    Returns:
        The shape of `image`, within [0, 1] exactly.
    """
    clipped: Tensor = _ClipKeepGradient.apply(image)
    return clipped
