"""LPIPS' distance between two layers of features, with its gradient in closed form (Zhang et al. 2018, Eq. 1)."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

EPS = 1e-10  # added to a norm, as in the package `lpips`


def feature_distance(features: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean over pixels of the weighted squared difference of two features, each scaled to length 1 over its channels.

    It keeps one tensor of the size of `features` for the gradient, where automatic differentiation keeps six, and has a
    gradient where all channels of a pixel are 0 (there `lpips` gives NaN).

    Args:
        features: (B, C, H, W), floating; computed in float32.
        target: as `features`.
        weight: (C,), 0 or more.

    Returns:
        (B,) float32.
    """
    distance: Tensor = _FeatureDistance.apply(features, target, weight)
    return distance


class _FeatureDistance(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        ctx.dtypes = features.dtype, target.dtype
        pixels = features.shape[2] * features.shape[3]
        unit, scale = _unit(features)
        target_unit, target_scale = _unit(target)
        difference = unit - target_unit
        weighted = difference * weight.float().view(1, -1, 1, 1)
        distance = difference.mul_(weighted).sum(dim=(1, 2, 3)) / pixels
        needed = ctx.needs_input_grad
        ctx.save_for_backward(
            _pull_back(weighted, unit, scale * (2 / pixels)) if needed[0] else None,
            _pull_back(-weighted, target_unit, target_scale * (2 / pixels)) if needed[1] else None,
        )
        return distance

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        saved = zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        grads = [None if kept is None else (kept * grad.view(-1, 1, 1, 1)).to(dtype) for kept, dtype in saved]
        return grads[0], grads[1], None


def _unit(features: Tensor) -> tuple[Tensor, Tensor]:
    """Features of length 1 over the channels, and the factor (B, 1, H, W) that made them so."""
    features = features.float()
    scale = 1 / (torch.linalg.vector_norm(features, dim=1, keepdim=True) + EPS)
    return features * scale, scale


def _pull_back(grad: Tensor, unit: Tensor, scale: Tensor) -> Tensor:
    """The gradient of features from `grad` of their unit vectors: what points along the vector has no effect."""
    along = (grad * unit).sum(dim=1, keepdim=True)
    return torch.addcmul(grad, unit, along, value=-1).mul_(scale)
