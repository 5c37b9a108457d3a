import pytest
import torch

from spikereveal_plugin.physics.fixed_pattern import FixedPattern, spikenerf_pattern


def test_charge_never_falls_below_zero():
    pattern = FixedPattern(torch.tensor([[1.0, 2.0]]), torch.tensor([[-0.5, 0.25]]))
    assert pattern(torch.tensor([[0.25, 0.5]])).tolist() == [[0.0, 1.25]]


def test_spikenerf_maps_give_its_published_rates_where_rates_are_low():
    """Against the formula of SpikeNeRF's noise model, which counts an interval from the readout after a spike."""
    generator = torch.Generator().manual_seed(0)
    response = 1 + 0.1 * torch.randn(20, 30, generator=generator, dtype=torch.float64)
    deviation = 20 * torch.rand(20, 30, generator=generator, dtype=torch.float64)
    interval = 10 + torch.rand(20, 30, generator=generator, dtype=torch.float64)
    light = 0.004 * torch.rand(20, 30, generator=generator, dtype=torch.float64) + 0.016
    true = 1 / (light / 4) - 1
    rate = 1 / (true / (response + true * deviation / (interval * (335 + deviation))) + 1)
    torch.testing.assert_close(spikenerf_pattern(response, deviation, interval)(light) / 4, rate, rtol=0.02, atol=0)


@pytest.mark.parametrize(
    ('response', 'dark', 'message'),
    [
        (torch.ones(2), torch.ones(2), r'response must be floating \(h, w\), got \(2,\)'),
        (torch.ones(2, 2, dtype=torch.int64), torch.ones(2, 2), 'response must be floating'),
        (torch.ones(2, 2), torch.ones(2, 3), r'response is \(2, 2\) torch.float32, dark is \(2, 3\)'),
        (torch.zeros(2, 2), torch.zeros(2, 2), 'response must be positive, found 0'),
        (torch.ones(2, 2), torch.full((2, 2), float('nan')), 'dark holds values that are not finite'),
    ],
)
def test_impossible_maps_are_refused(response, dark, message):
    with pytest.raises(ValueError, match=message):
        FixedPattern(response, dark)


def test_impossible_intervals_are_refused():
    ones = torch.ones(2, 2)
    with pytest.raises(ValueError, match=r'D_light and 335 \+ Nd must be positive'):
        spikenerf_pattern(ones, -400 * ones, ones)


def test_a_larger_sensor_is_cut_to_its_middle():
    maps = FixedPattern(torch.arange(1.0, 49).view(6, 8), torch.zeros(6, 8))
    assert torch.equal(maps.middle(4, 4).response, maps.response[1:5, 2:6])
    with pytest.raises(ValueError, match='maps of 6x8 pixels are smaller than the simulated sensor, 7x8'):
        maps.middle(7, 8)
