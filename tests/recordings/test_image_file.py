from pathlib import Path

import cv2
import numpy as np
import pytest

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.recordings.image_file import image_size, load_image, save_image


def test_png_keeps_every_value_and_rgb_order(tmp_path: Path):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    save_image(tmp_path / 'sub/x.png', image)
    np.testing.assert_array_equal(load_image(tmp_path / 'sub/x.png'), image)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'sub/x.png'))[:, :, ::-1], image)
    assert image_size(tmp_path / 'sub/x.png') == (5, 7)


def test_floats_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.tif'), np.zeros((4, 6, 3), np.float32))
    with pytest.raises(SpikeDataError, match=r'a\.tif: expected 8 or 16 bits a channel, found float32'):
        load_image(tmp_path / 'a.tif')


@pytest.mark.parametrize('content', [b'', b'no image at all'])
def test_what_is_no_image_is_named(tmp_path: Path, content: bytes):
    (tmp_path / 'x.png').write_bytes(content)
    with pytest.raises(SpikeDataError, match=r'x.png: not a readable image'):
        load_image(tmp_path / 'x.png')
    with pytest.raises(SpikeDataError, match=r'x.png: not a readable image'):
        image_size(tmp_path / 'x.png')


def test_missing_files_and_unknown_formats_are_named(tmp_path: Path):
    with pytest.raises(SpikeDataError, match=r'gone.png: no such image'):
        load_image(tmp_path / 'gone.png')
    with pytest.raises(SpikeDataError, match=r'gone.png: no such image'):
        image_size(tmp_path / 'gone.png')
    with pytest.raises(SpikeDataError, match=r'x.xyz: cannot be encoded'):
        save_image(tmp_path / 'x.xyz', np.zeros((2, 2, 3), np.uint8))
