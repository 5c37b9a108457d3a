import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikereveal_plugin.physics.threshold import add_noise_spikes, raise_threshold, spoilt_rate


@pytest.mark.parametrize('factor', [2, 3, 4])
def test_it_is_what_an_integrator_of_that_threshold_fires(factor: int):
    """Charges are whole 64ths, so that both cameras are integrated without rounding."""
    generator = torch.Generator().manual_seed(0)
    light = torch.randint(0, 64, (200, 5, 7), generator=generator)
    start = torch.randint(0, 64, (5, 7), generator=generator)
    phase = torch.randint(0, factor, (5, 7), generator=generator)

    def fired(threshold: int, start: torch.Tensor) -> torch.Tensor:
        charge = torch.cat((start[None], start + light.cumsum(0)))
        return (charge // threshold).diff(dim=0)

    low = fired(64, start)
    assert low.unique().tolist() == [0, 1]
    high = fired(64 * factor, start + 64 * phase)
    assert torch.equal(raise_threshold(low.to(torch.uint8), factor, phase), high.to(torch.uint8))


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_of_n_spikes_every_factor_th_stays(factor: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    spikes = torch.randint(0, 2, (2, 40, 3, 3), generator=generator, dtype=torch.uint8)
    kept = raise_threshold(spikes, factor, torch.zeros(3, 3, dtype=torch.int64))
    assert torch.equal(kept.sum(1), spikes.sum(1) // factor)
    assert (kept <= spikes).all()


def test_no_factor_below_one():
    with pytest.raises(ValueError, match='got 0'):
        raise_threshold(torch.zeros(3, 2, 2, dtype=torch.uint8), 0, torch.zeros(2, 2))


def test_noise_adds_spikes_and_takes_none():
    torch.manual_seed(0)
    spikes = (torch.rand(600, 40, 40) < 0.3).to(torch.uint8)
    noisy = add_noise_spikes(raise_threshold(spikes, 3, torch.zeros(40, 40, dtype=torch.int64)), 0.05)
    assert noisy.dtype == torch.uint8
    assert noisy.unique().tolist() == [0, 1]
    assert float(noisy.float().mean()) == pytest.approx(spoilt_rate(float(spikes.float().mean()), 3, 0.05), rel=0.02)
    assert add_noise_spikes(spikes, 0.0) is spikes
    assert (add_noise_spikes(spikes, 0.5) >= spikes).all()
