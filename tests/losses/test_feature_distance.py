"""The closed form against the package `lpips` and automatic differentiation."""

from pathlib import Path

import pytest
import torch
import torchvision

from spikereveal_plugin.losses import LPIPSLoss
from spikereveal_plugin.losses.feature_distance import EPS, feature_distance


def by_autograd(features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    units = [x / (x.square().sum(dim=1, keepdim=True).sqrt() + EPS) for x in (features, target)]
    return ((units[0] - units[1]).square() * weight.view(1, -1, 1, 1)).sum(dim=1).mean(dim=(1, 2))


@pytest.fixture
def layer() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.rand(2, 7, 5, 6, generator=generator),
        torch.rand(2, 7, 5, 6, generator=generator),
        torch.rand(7, generator=generator),
    )


def test_value_and_gradients_are_those_of_autograd(layer: tuple[torch.Tensor, ...]):
    found, expected = [], []
    for distance, results in ((feature_distance, found), (by_autograd, expected)):
        features, target = (x.clone().requires_grad_() for x in layer[:2])
        value = distance(features, target, layer[2])
        (value * torch.tensor([1.0, 3.0])).sum().backward()
        results += [value, features.grad, target.grad]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


def test_only_what_needs_a_gradient_is_kept(layer: tuple[torch.Tensor, ...]):
    value = feature_distance(layer[0].clone().requires_grad_(), layer[1], layer[2])
    kept = [tensor for tensor in value.grad_fn.saved_tensors if tensor is not None]
    assert [tensor.shape for tensor in kept] == [layer[0].shape]


def test_a_pixel_without_features_has_a_gradient(layer: tuple[torch.Tensor, ...]):
    features = layer[0].clone()
    features[:, :, 2, 3] = 0
    features.requires_grad_()
    feature_distance(features.relu(), layer[1], layer[2]).sum().backward()
    assert features.grad.isfinite().all()
    assert (features.grad[:, :, 2, 3] == 0).all()


def test_half_precision_is_summed_in_single(layer: tuple[torch.Tensor, ...]):
    features = layer[0].bfloat16().requires_grad_()
    value = feature_distance(features, layer[1].bfloat16(), layer[2])
    value.sum().backward()
    assert (value.dtype, features.grad.dtype) == (torch.float32, torch.bfloat16)
    torch.testing.assert_close(value, by_autograd(features.float(), layer[1].bfloat16().float(), layer[2]))


def test_the_loss_is_the_packages(tmp_path: Path):
    """Values and gradients of `lpips` itself, with the linear layers it ships and random convolutions."""
    torch.manual_seed(0)
    state = torchvision.models.alexnet(weights=None).features.state_dict()
    torch.save({f'features.{key}': value for key, value in state.items()}, tmp_path / 'alex.pth')
    loss = LPIPSLoss(net='alex', backbone_path=str(tmp_path / 'alex.pth'))
    pred, target = torch.rand(2, 3, 2, 64, 64).unbind(2)
    ours, theirs = pred.clone().requires_grad_(), pred.clone().requires_grad_()
    value, expected = loss(ours, target), loss.lpips(theirs, target, normalize=True).mean()
    value.backward()
    expected.backward()
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5 * theirs.grad.abs().max().item())
