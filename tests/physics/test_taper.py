"""Tapered windows: their weights, and that they bear less of what counting rounds off."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikereveal_plugin.physics.taper import floored_gain, gaussian_taper, tapered_rate
from spikereveal_plugin.physics.tfp import firing_rate


@given(st.integers(0, 40).map(lambda half: 2 * half + 1), st.floats(0.3, 50))
def test_weights_are_a_symmetric_bell_of_sum_one(length: int, sigma: float):
    weights = gaussian_taper(length, sigma)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-5)
    assert torch.equal(weights, weights.flip(0))
    assert (weights.diff()[: length // 2] >= 0).all()


def test_a_wide_bell_is_the_firing_rate():
    spikes = (torch.rand(2, 21, 3, 5, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    torch.testing.assert_close(tapered_rate(spikes, gaussian_taper(21, 1e4)), firing_rate(spikes, 10, 21))


def test_rows_of_weights_are_averages_of_the_same_window():
    spikes = torch.rand(2, 21, 3, 5, generator=torch.Generator().manual_seed(0))
    rows = torch.stack([gaussian_taper(21, sigma) for sigma in (2.0, 5.0)])
    singly = torch.cat([tapered_rate(spikes, row) for row in rows], dim=1)
    torch.testing.assert_close(tapered_rate(spikes, rows), singly)


@pytest.mark.parametrize('threshold', [1, 2, 4])
def test_steady_light_is_read_with_less_error_than_by_a_flat_window(threshold: int):
    """An integrator fires floor(charge / threshold) times; every phase and 1000 lights, flat 21 against sigma 5."""
    light = torch.linspace(0.05, 0.95, 1000, dtype=torch.float64)
    phase = torch.linspace(0, 1, 20, dtype=torch.float64) * threshold
    charge = phase[:, None, None] + light * torch.arange(43)[None, :, None]
    spikes = (charge / threshold).floor().diff(dim=1)[:, :41, None, :].float()
    wanted = light.float() / threshold

    def error(rate: torch.Tensor) -> float:
        return float((rate - wanted).square().mean().sqrt())

    flat, tapered = error(firing_rate(spikes, 20, 21)), error(tapered_rate(spikes, gaussian_taper(41, 5)))
    assert tapered < 0.65 * flat


def test_the_gain_of_darkness_is_one():
    zeros = torch.zeros(1, 1, 2, 2)
    assert torch.equal(floored_gain(zeros, zeros), torch.ones(1, 1, 2, 2))
    assert float(floored_gain(zeros + 0.48, zeros + 0.23)[0, 0, 0, 0]) == pytest.approx(2)


@pytest.mark.parametrize(('length', 'sigma'), [(20, 4.0), (-1, 4.0), (21, 0.0), (21, float('nan'))])
def test_windows_without_a_middle_or_a_width_are_refused(length: int, sigma: float):
    with pytest.raises(ValueError, match='expected an odd window and a positive sigma'):
        gaussian_taper(length, sigma)
