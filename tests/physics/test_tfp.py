import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate, inter_spike_rate, spike_window


def stream(*times, length=8):
    """One pixel that fires at the given readouts."""
    spikes = torch.zeros(1, length, 1, 1)
    spikes[:, list(times)] = 1
    return spikes


@pytest.mark.parametrize('dtype', [torch.float32, torch.uint8, torch.bool])
def test_reference_rates(golden, dtype):
    reference = golden('sdm_tfp.npz')
    spikes = torch.from_numpy(reference['spike']).to(dtype)
    names = [name for name in reference.files if name.startswith('tfp_')]
    assert len(names) == 9
    for name in names:
        _, instant, length = name.split('_')
        rate = firing_rate(spikes, int(instant), int(length))
        assert rate.dtype == torch.float32
        torch.testing.assert_close(rate, torch.from_numpy(reference[name]))


def test_the_exposure_is_the_long_window():
    spikes = torch.rand(2, 137, 3, 5) < 0.3
    torch.testing.assert_close(exposure_rate(spikes, Exposure()), firing_rate(spikes, 68, 97))


def test_an_even_exposure_averages_every_readout():
    assert exposure_rate(stream(0, 1, 7), Exposure(0, 8)).item() == pytest.approx(3 / 8)


def test_a_window_is_a_view():
    spikes = torch.zeros(2, 8, 3, 5)
    window = spike_window(spikes, 3, 5)
    assert window.shape == (2, 5, 3, 5)
    assert window.data_ptr() == spikes[:, 1:].data_ptr()


@pytest.mark.parametrize(
    ('instant', 'length', 'message'),
    [
        (0, 5, r'window \[-2, 2\] leaves the stream of 8 readouts'),
        (6, 5, r'window \[4, 8\] leaves the stream of 8 readouts'),
        (4, 4, 'a window must be odd and positive to have a centre, got 4'),
        (4, -1, 'got -1'),
    ],
)
def test_impossible_windows_are_refused(instant, length, message):
    with pytest.raises(ValueError, match=message):
        spike_window(stream(), instant, length)


def test_an_exposure_outside_the_stream_is_refused():
    with pytest.raises(ValueError, match=r'exposure \[20, 116\] leaves the stream of 8 readouts'):
        exposure_rate(stream(), Exposure())


def test_a_stream_without_a_batch_is_refused():
    with pytest.raises(ValueError, match=r'spikes must be \(B, T, h, w\), got shape \(8, 1, 1\)'):
        firing_rate(stream()[0], 4, 3)


@pytest.mark.parametrize(
    ('times', 'instant', 'expected'),
    [
        ((2, 6), 4, 1 / 4),
        ((2, 6), 2, 1 / 4),
        ((2, 6), 6, 0),
        ((2, 6), 1, 0),
        ((2, 3), 2, 1),
        ((), 4, 0),
        ((0, 7), 7, 0),
        ((0, 7), 0, 1 / 7),
    ],
)
def test_interval_around_an_instant(times, instant, expected):
    for dtype in (torch.float32, torch.uint8, torch.bool):
        assert inter_spike_rate(stream(*times).to(dtype), instant).item() == pytest.approx(expected)


def test_an_instant_outside_the_stream_is_refused():
    with pytest.raises(ValueError, match=r'instant \[8, 8\] leaves the stream of 8 readouts'):
        inter_spike_rate(stream(), 8)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), instant=st.integers(0, 11))
def test_intervals_agree_with_a_search_per_pixel(seed, instant):
    spikes = np.random.default_rng(seed).random((2, 12, 3, 4)) < 0.3
    expected = np.zeros((2, 1, 3, 4), np.float32)
    for batch, row, column in np.ndindex(2, 3, 4):
        times = np.flatnonzero(spikes[batch, :, row, column])
        before, after = times[times <= instant], times[times > instant]
        if before.size and after.size:
            expected[batch, 0, row, column] = 1 / (after[0] - before[-1])
    rate = inter_spike_rate(torch.from_numpy(spikes), instant)
    assert rate.shape == (2, 1, 3, 4)
    torch.testing.assert_close(rate, torch.from_numpy(expected))
