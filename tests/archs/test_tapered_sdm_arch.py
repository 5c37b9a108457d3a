"""TaperedSDM against SDM itself, and as what LDNPlus starts from."""

import pytest
import torch

from spikereveal_plugin.archs import TaperedSDM
from spikereveal_plugin.physics.sdm import spike_guided_deblur, upsample_rate


def sample(instants: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    blur = torch.rand(2, 3, 24, 36, generator=generator)
    spikes = (torch.rand(2, instants, 41, 6, 9, generator=generator) < 0.4).float()
    return blur, spikes, 0.1 + torch.rand(2, 1, 6, 9, generator=generator)


def test_a_flat_long_rate_makes_it_sdm():
    """Dividing before or after the up-sampling is the same where the divisor is the same everywhere."""
    blur, spikes, _ = sample(1)
    long_rate = torch.full((2, 1, 6, 9), 0.5)
    weights = torch.signal.windows.gaussian(41, std=3.0)
    short_rate = (spikes[:, 0] * (weights / weights.sum())[:, None, None]).sum(1, keepdim=True)
    floored = [upsample_rate(rate + 0.02, 24, 36) for rate in (long_rate, short_rate)]
    torch.testing.assert_close(
        TaperedSDM(sigma=3.0)(blur, spikes[:, 0], long_rate), spike_guided_deblur(blur, *floored)
    )


def test_a_sequence_is_the_frames_one_by_one():
    blur, spikes, long_rate = sample()
    singly = torch.stack([TaperedSDM()(blur, spikes[:, n], long_rate) for n in range(3)], dim=1)
    torch.testing.assert_close(TaperedSDM()(blur, spikes, long_rate), singly)


def test_it_has_nothing_to_train_or_store():
    network = TaperedSDM()
    assert list(network.parameters()) == []
    assert network.state_dict() == {}


def test_darkness_is_the_photo():
    blur, spikes, long_rate = sample(1)
    torch.testing.assert_close(TaperedSDM()(blur, 0 * spikes[:, 0], 0 * long_rate), blur)


@pytest.mark.parametrize(('blur', 'spikes'), [((1, 3, 24, 36), (1, 21, 6, 9)), ((1, 3, 12, 18), (1, 41, 6, 9))])
def test_other_shapes_are_refused(blur: tuple[int, ...], spikes: tuple[int, ...]):
    with pytest.raises(ValueError, match='TaperedSDM: expected spikes'):
        TaperedSDM()(torch.zeros(blur), torch.zeros(spikes), torch.zeros(1, 1, 6, 9))
