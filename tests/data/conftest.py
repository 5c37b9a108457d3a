"""What several tests of builds share."""

import cv2
import numpy as np
import pytest

from spikereveal_plugin.data.image_file import save_image


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
