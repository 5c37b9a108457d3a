"""Fixtures shared by all tests."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import spikereveal_plugin  # noqa: F401  makes `import basicsr` work in every test
from spikereveal_plugin.recordings.image_file import save_image

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
    from spikereveal_plugin.building.sample_photographs import SampleOptions, sample_photographs

    out = tmp_path_factory.mktemp('data') / 'sample'
    return sample_photographs(
        out, SampleOptions(train=4, test=2, height=64, width=96, travel=(6.0, 10.0), threshold=1.0)
    )


@pytest.fixture(scope='session')
def bytes_of():
    """Every file below a folder, by its path in it."""
    return lambda root: {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob('*') if p.is_file()}


@pytest.fixture(scope='module')
def make_footage(tmp_path_factory):
    """Make frames, 32 pixels high, of a smooth picture that slides by two pixels a frame: sequences by name."""

    def make(frames, width):
        root = tmp_path_factory.mktemp('footage')
        rng = np.random.default_rng(0)
        for name, count in frames.items():
            scene = cv2.GaussianBlur(rng.uniform(0, 255, (32, width + 2 * count, 3)), (0, 0), 2).astype(np.uint8)
            for index in range(count):
                save_image(root / name / f'{index}.png', np.ascontiguousarray(scene[:, 2 * index : 2 * index + width]))
        return root

    return make


@pytest.fixture(scope='session')
def printed() -> Callable[[Path], list[str]]:
    """The commands that a page prints."""
    return commands


def commands(page: Path) -> list[str]:
    """Lines of indented blocks that begin with one of the two commands, continued lines joined, comments cut."""
    text = page.read_text(encoding='utf-8').replace('\\\n', ' ')
    lines = [line.strip() for line in text.splitlines() if line.startswith('    ')]
    plain = [line for line in lines if line.startswith(('spikereveal ', 'basicsr ')) and not set('<>$;|&') & set(line)]
    return [re.split(r'\s+#\s|\s{3,}', line)[0] for line in plain if '...' not in line]
