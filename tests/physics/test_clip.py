import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.physics.clip import clip_keep_gradient


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=20))
def test_forward_is_exactly_clamp(values):
    image = torch.tensor(values)
    assert torch.equal(clip_keep_gradient(image), image.clamp(0, 1))


def test_gradient_passes_everywhere():
    image = torch.tensor([-5.0, 0.0, 0.5, 1.0, 7.0], requires_grad=True)
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    (clip_keep_gradient(image) * weights).sum().backward()
    assert torch.equal(image.grad, weights)


def test_an_output_that_is_negative_everywhere_still_learns():
    bias = torch.tensor(-1.0, requires_grad=True)
    optimizer = torch.optim.SGD([bias], lr=0.2)
    for _ in range(30):
        optimizer.zero_grad()
        (clip_keep_gradient(bias) - 0.5).square().backward()
        optimizer.step()
    assert abs(bias.item() - 0.5) < 0.05
