import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.spike_inputs import scer, segments, voxel_grid, voxel_slices, window_interval_rate

EXPOSURE = Exposure(20, 97)


@pytest.fixture
def reference(golden):
    return golden('peers/spike_inputs.npz')


@pytest.fixture
def spikes(reference):
    return torch.from_numpy(reference['spike'])[None]


def expect(found, wanted, tolerance=0.0):
    torch.testing.assert_close(found, torch.from_numpy(np.asarray(wanted, np.float32)), rtol=0, atol=tolerance)


def test_voxels_are_the_authors(spikes, reference):
    expect(voxel_grid(spikes, EXPOSURE, 8, margin=16)[0], reference['refid.voxel_4_132'], 4e-6)
    expect(voxel_grid(spikes, EXPOSURE, 8)[0], reference['refid.voxel_20_116'], 4e-6)


def test_segments_are_the_authors(spikes, reference):
    expect(segments(spikes, EXPOSURE, 6)[0], reference['red.segments'], 1e-6)


def test_sums_are_the_authors(spikes, reference):
    expect(scer(spikes, EXPOSURE, 6)[0], reference['trmd.scer_20_116'])


def test_intervals_are_the_authors(spikes, reference):
    for key in (key for key in reference.files if 'tfi' in key):
        size, instant = map(int, re.search(r'_s(\d+)_at(\d+)', key).groups())
        first = instant - size // 2
        expect(window_interval_rate(spikes[:, first : first + size], threshold=2.0)[0, 0], reference[key], 1e-6)


@given(st.integers(2, 9), st.integers(3, 60), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_no_spike_is_lost_in_a_grid(bins, length, margin, seed):
    stream = torch.rand(1, length + 12, 2, 3, generator=torch.Generator().manual_seed(seed)) < 0.4
    exposure = Exposure(6, length)
    grid = voxel_grid(stream, exposure, bins, margin)
    inside = stream[:, 6 - margin : 6 + length + margin]
    torch.testing.assert_close(grid.sum(1), inside.float().sum(1), rtol=0, atol=1e-3)
    slices = voxel_slices(grid)
    assert slices.shape == (1, bins - 1, 2, 2, 3)
    assert torch.equal(slices[:, 1:, 0], slices[:, :-1, 1])


@given(st.integers(1, 5), st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_sums_end_with_all_spikes_of_a_half(half, length, seed):
    stream = torch.rand(1, length, 2, 3, generator=torch.Generator().manual_seed(seed)) < 0.4
    sums = scer(stream, Exposure(0, length), 2 * half)
    assert (sums[:, :half] <= 0).all()
    assert (sums[:, half:] >= 0).all()
    torch.testing.assert_close(sums[:, -1] - sums[:, 0], stream.float().sum(1))


@given(st.integers(1, 7), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_segments_count_every_spike_but_those_of_the_first_instant(count, more, seed):
    stream = torch.rand(1, count + more, 2, 3, generator=torch.Generator().manual_seed(seed)) < 0.4
    cut = segments(stream, Exposure(0, count + more), count)
    torch.testing.assert_close(cut[:, :, 0].sum(1), stream[:, 1:].float().sum(1))
    assert cut[:, :, 2].max() <= 1
    assert not cut[:, :, [1, 3]].any()


@pytest.mark.parametrize(
    ('call', 'said'),
    [
        (
            lambda s: voxel_grid(s, Exposure(2, 9), 4, margin=3),
            'readouts -1 to 13 are wanted, and the stream has 0 to 19',
        ),
        (lambda s: voxel_grid(s, Exposure(2, 9), 1), 'expected 2 or more bins'),
        (lambda s: voxel_grid(s, Exposure(2, 1), 2), 'a span of one readout'),
        (lambda s: segments(s, Exposure(2, 6), 6), 'an exposure of 6 readouts cannot be cut into 6'),
        (lambda s: segments(s, Exposure(15, 7), 6), 'readouts 15 to 21 are wanted'),
        (lambda s: scer(s, Exposure(0, 9), 3), 'an even number of bins'),
        (lambda s: scer(s, Exposure(0, 30), 4), 'readouts 0 to 29 are wanted'),
    ],
)
def test_what_cannot_be_made_is_said(call, said):
    with pytest.raises(ValueError, match=said):
        call(torch.zeros(1, 20, 2, 3))
