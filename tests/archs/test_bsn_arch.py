"""BSN against the reference outputs, and its blindness on every pixel of any size."""

import pytest
import torch
from basicsr.utils.registry import ARCH_REGISTRY
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.archs import BSN, convert_ssdm

SIZES = ['square_32x32', 'wide_36x64', 'tall_64x36', 'odd_45x52', 'nonmult4_45x50', 'batch2_24x40']


@pytest.fixture
def reference(golden):
    return golden('bsn_kaiming.npz')


def with_weights_of(reference, **options):
    weights = {key[3:]: torch.from_numpy(reference[key]) for key in reference.files if key.startswith('sd.')}
    name, state = convert_ssdm(weights)
    assert name == 'BSN'
    network = BSN(**options)
    network.load_state_dict(state)
    return network


@pytest.mark.parametrize('size', SIZES)
def test_square_padding_gives_the_authors_numbers(reference, size):
    network = with_weights_of(reference, square_padding=True).eval()
    with torch.no_grad():
        output = network(torch.from_numpy(reference[f'in.{size}']))
    torch.testing.assert_close(output, torch.from_numpy(reference[f'out.{size}']), rtol=0, atol=1e-5)


def test_square_inputs_need_no_padding_for_them(reference):
    network = with_weights_of(reference).eval()
    with torch.no_grad():
        output = network(torch.from_numpy(reference['in.square_32x32']))
    torch.testing.assert_close(output, torch.from_numpy(reference['out.square_32x32']), rtol=0, atol=1e-5)


def test_published_size_and_registration():
    assert sum(p.numel() for p in ARCH_REGISTRY.get('BSN')().parameters()) == 1_118_832


def own_gradients(network, height, width):
    """d out / d in at the same pixel, for every pixel: one copy of the image each, one backward pass."""
    pixels = height * width
    copies = torch.rand(1, 1, height, width, dtype=torch.float64).repeat(pixels, 1, 1, 1).requires_grad_()
    output = network(copies).flatten(1)
    output.diagonal().sum().backward()
    others = copies.grad.flatten(1).abs().sum()
    return copies.grad.flatten(1).diagonal().reshape(height, width), others


@given(height=st.integers(4, 13), width=st.integers(4, 13), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_no_pixel_sees_itself(height, width, seed):
    torch.manual_seed(seed)
    own, others = own_gradients(BSN(num_feat=2).double(), height, width)
    assert own.abs().max() == 0
    assert others > 0


@given(height=st.integers(4, 40), width=st.integers(4, 40), data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_broken_pixel_never_reaches_its_own_output(height, width, data):
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    image = torch.rand(1, 1, height, width, dtype=torch.float64)
    image[0, 0, row, column] = torch.nan
    output = BSN(num_feat=2).double()(image)[0, 0]
    assert output.isnan().any()
    assert not output[row, column].isnan()


def test_square_padding_breaks_blindness_near_the_border():
    torch.manual_seed(0)
    own, _ = own_gradients(BSN(num_feat=4, square_padding=True).double(), 8, 12)
    assert own.abs().max() > 1e-4
    own, _ = own_gradients(BSN(num_feat=4, square_padding=True).double(), 12, 12)
    assert own.abs().max() == 0


def test_turning_the_image_leaves_it_blind_to_all_four_sides():
    """A pixel sees up, down, left and right: a change anywhere around it can reach it."""
    torch.manual_seed(0)
    image = torch.rand(1, 1, 9, 9, dtype=torch.float64, requires_grad=True)
    BSN(num_feat=4).double()(image)[0, 0, 4, 4].backward()
    neighbours = image.grad[0, 0, 3:6, 3:6].abs()
    assert neighbours[1, 1] == 0
    assert (neighbours > 0).sum() == 8


def test_initial_weights_are_kaiming_normal():
    torch.manual_seed(0)
    network = BSN()
    gains = {
        name: (w.detach()[0].numel() * w.detach().square().mean()).sqrt() for name, w in network.named_parameters()
    }
    last = gains.pop('last.weight')
    assert last == pytest.approx(1, abs=0.25)
    for gain in gains.values():
        assert gain == pytest.approx((2 / 1.01) ** 0.5, abs=0.1)


@pytest.mark.parametrize('shape', [(1, 1, 3, 8), (1, 1, 8, 3), (1, 3, 8, 8), (1, 8, 8)])
def test_unfit_inputs_are_refused(shape):
    with pytest.raises(ValueError, match=r'BSN: expected \(B, 1, H, W\) with H and W at least 4'):
        BSN(num_feat=2)(torch.zeros(shape))


def test_a_strip_cannot_be_reflected_to_a_square():
    with pytest.raises(ValueError, match='4 x 20 is too narrow to be reflected'):
        BSN(num_feat=2, square_padding=True)(torch.zeros(1, 1, 4, 20))
