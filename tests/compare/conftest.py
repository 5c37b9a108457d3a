from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture(scope='session')
def write_images() -> Callable[..., Path]:
    """Write noisy pictures of equal scenes; `sigma` 0 is sharp. Two samples of one image, one of three."""

    def write(root: Path, sigma: float, names: tuple[str, ...] = ('a', 'b', 'seq/000', 'seq/001', 'seq/002')) -> Path:
        for index, name in enumerate(names):
            generator = np.random.default_rng(index)
            picture = cv2.GaussianBlur(generator.uniform(0, 255, (48, 64, 3)), (0, 0), 2)
            noise = np.random.default_rng(100 + index).normal(0, 1, picture.shape)
            path = root / f'{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.clip(picture + sigma * noise, 0, 255).round().astype(np.uint8))
        return root

    return write


@pytest.fixture
def folders(tmp_path: Path, write_images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """`gt/`, `good/`, `poor/` in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name, sigma in (('gt', 0), ('good', 4), ('poor', 12)):
        write_images(tmp_path / name, sigma)
    return tmp_path


@pytest.fixture(scope='session')
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of an LDN that returns the photo."""
    import torch

    from spikereveal_plugin.archs import LDN

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'ldn.pth'
    torch.save({'params': LDN(starts_from_blur=True).state_dict()}, path)
    return path
