"""Networks of other methods with the weights of the golden data: drawn by a rule from the authors' key names."""

import re
import sys
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

Shapes = dict[str, tuple[int, ...]]


def listed(shared: Path, name: str) -> Shapes:
    """Return the shapes of a checkpoint's tensors by key."""
    lines = (shared / f'spec/peers/keys/{name}.txt').read_text().splitlines()
    found = [re.match(r'(\S+) \((.*?)\)', line) for line in lines]
    return {match[1]: tuple(int(side) for side in match[2].split(',') if side.strip()) for match in found if match}


def drawn(shared: Path, shapes: Mapping[str, tuple[int, ...]], gain: float = 1.0) -> dict[str, Tensor]:
    """Return the values of the golden data."""
    sys.path.insert(0, str(shared / 'golden/peers'))
    try:
        values = import_module('fill').fill(shapes, gain)
    finally:
        sys.path.pop(0)
    return {key: torch.from_numpy(value) for key, value in values.items()}


def filled(network: nn.Module, shared: Path, gain: float = 1.0) -> nn.Module:
    """Give a network whose layers are named as the authors' the values of the golden data, in double precision."""
    network.load_state_dict(drawn(shared, {key: tuple(v.shape) for key, v in network.state_dict().items()}, gain))
    return network.double().eval()


@pytest.fixture(scope='session')
def weights(shared: Path) -> SimpleNamespace:
    """What is known of the golden data's weights: `listed` keys, `drawn` values, `filled` networks."""
    return SimpleNamespace(
        listed=partial(listed, shared),
        drawn=partial(drawn, shared),
        filled=lambda network, gain=1.0: filled(network, shared, gain),
    )
