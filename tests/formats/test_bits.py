import numpy as np
import pytest

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.bits import checked_span, checked_spikes


@pytest.mark.parametrize('dtype', [bool, np.uint8, np.int64, np.float32])
def test_zeros_and_ones_of_any_type(dtype):
    spikes = np.array([[[0, 1], [1, 0]]], dtype)
    fired = checked_spikes(spikes, 'here')
    assert fired.dtype == np.bool_
    assert fired.tolist() == [[[False, True], [True, False]]]


@pytest.mark.parametrize(
    ('spikes', 'message'),
    [
        (np.zeros((2, 3)), r'here: spikes must be \(T, h, w\) .* got shape \(2, 3\)'),
        (np.zeros((0, 2, 3)), r'sizes of 1 or more, got shape \(0, 2, 3\)'),
        (np.full((1, 2, 3), 255), 'got 6 other values such as 255'),
        (np.full((1, 1, 1), np.nan), 'got 1 other values such as nan'),
        (np.full((1, 1, 1), -1), 'such as -1'),
        (np.full((1, 1, 1), 'x'), 'must be bool or numbers'),
    ],
)
def test_arrays_that_are_no_spikes_are_refused(spikes, message):
    with pytest.raises(SpikeDataError, match=message):
        checked_spikes(spikes, 'here')


@pytest.mark.parametrize(('start', 'stop'), [(-1, 2), (2, 2), (3, 2), (0, 5)])
def test_spans_that_leave_an_axis_are_refused(start, stop):
    with pytest.raises(SpikeDataError, match=rf'here: rows \[{start}, {stop}\) is empty or leaves \[0, 4\)'):
        checked_span('rows', start, stop, 4, 'here')
