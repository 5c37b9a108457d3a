"""A student with random weights."""

import pytest
import torch

from spikereveal_plugin.archs import LDN


@pytest.fixture(scope='session')
def student() -> LDN:
    torch.manual_seed(0)
    return LDN().eval()
