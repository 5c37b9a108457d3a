import pytest
import torch

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.models.batch import batch_exposure


def test_a_batch_has_one_exposure():
    assert batch_exposure(torch.tensor([[20, 97], [20, 97]])) == Exposure(20, 97)


def test_a_mixed_batch_is_refused():
    with pytest.raises(SpikeDataError, match='different exposures'):
        batch_exposure(torch.tensor([[20, 97], [0, 400]]))
