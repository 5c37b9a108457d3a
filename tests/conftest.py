"""Fixtures shared by all tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import spikereveal_plugin  # noqa: F401  makes `import basicsr` work in every test

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / 'shared'


@pytest.fixture(scope='session')
def shared() -> Path:
    """The folder of reference material beside the checkout; users do not have it."""
    if not (SHARED / 'golden').is_dir():
        pytest.skip(f'the reference material {SHARED} is not on this machine')
    return SHARED


@pytest.fixture(scope='session')
def golden(shared: Path) -> Callable[[str], np.lib.npyio.NpzFile]:
    """Load one file of reference inputs and outputs by name."""
    return lambda name: np.load(shared / 'golden' / name)


@pytest.fixture(scope='session')
def tiny_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole data set of 64 x 96 images: four samples to train on, two to test on."""
    from spikereveal_plugin.data.sample_photographs import SampleOptions, sample_photographs

    out = tmp_path_factory.mktemp('data') / 'sample'
    return sample_photographs(
        out, SampleOptions(train=4, test=2, height=64, width=96, travel=(6.0, 10.0), threshold=1.0)
    )
