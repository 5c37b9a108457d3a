"""SpikeEDSR against the reference outputs."""

import pytest
import torch
from basicsr.utils.registry import ARCH_REGISTRY

from spikereveal_plugin.archs import SpikeEDSR, convert_ssdm


@pytest.mark.parametrize('size', ['18x32', 'b2_16x16'])
def test_authors_numbers(golden, size):
    reference = golden('edsr_seed0.npz')
    weights = {key[3:]: torch.from_numpy(reference[key]) for key in reference.files if key.startswith('sd.')}
    name, state = convert_ssdm(weights)
    assert name == 'SpikeEDSR'
    network = SpikeEDSR()
    network.load_state_dict(state)
    with torch.no_grad():
        output = network(torch.from_numpy(reference[f'in.{size}']))
    torch.testing.assert_close(output, torch.from_numpy(reference[f'out.{size}']), rtol=0, atol=1e-5)


def test_published_size_counts_four_numbers_that_are_constants_here():
    assert sum(p.numel() for p in ARCH_REGISTRY.get('SpikeEDSR')().parameters()) + 4 == 1_515_269


@pytest.mark.parametrize('upscale', [1, 2, 4, 8])
def test_upscale_is_the_ratio_of_sizes(upscale):
    network = SpikeEDSR(num_feat=2, num_block=1, upscale=upscale)
    assert network(torch.zeros(2, 1, 3, 5)).shape == (2, 1, 3 * upscale, 5 * upscale)


def test_mean_is_taken_off_and_put_back():
    network = SpikeEDSR(num_feat=2, num_block=1, mean=0.3)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    torch.testing.assert_close(network(torch.rand(1, 1, 3, 3)), torch.full((1, 1, 12, 12), 0.3))


@pytest.mark.parametrize('upscale', [0, 3, -4])
def test_other_upscales_are_refused(upscale):
    with pytest.raises(ValueError, match=f'upscale must be 1, 2, 4, 8, ..., got {upscale}'):
        SpikeEDSR(upscale=upscale)


def test_unfit_inputs_are_refused():
    with pytest.raises(ValueError, match=r'SpikeEDSR: expected \(B, 1, H, W\), got \(1, 3, 8, 8\)'):
        SpikeEDSR(num_feat=2, num_block=1)(torch.zeros(1, 3, 8, 8))
