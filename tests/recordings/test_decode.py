"""Photos of every kind, understood alike by whatever reads them."""

import cv2
import numpy as np
import pytest
from PIL import Image

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.recordings.decode import ORIENTATION, VARIABLE
from spikereveal_plugin.recordings.image_file import image_size, load_image
from spikereveal_plugin.recordings.photo import load_photo

PICTURE = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)


@pytest.mark.parametrize('turn', range(1, 9))
@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.tif'])
def test_turns_of_exif(turn, suffix, tmp_path):
    """Header and both readers agree, and Pillow turns as they do."""
    path = tmp_path / f'a{suffix}'
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    smooth = cv2.resize(PICTURE[:3, :5], (20, 12))
    Image.fromarray(smooth).save(path, exif=exif)
    photo = load_photo(path).pixels
    assert image_size(path) == photo.shape[:2] == load_image(path).shape[:2]
    if suffix in ('.jpg', '.png') or photo.shape == smooth.shape:
        np.testing.assert_allclose(255 * photo, load_image(path), atol=0.51)


def test_16_bits_are_rounded_and_said(tmp_path, caplog):
    caplog.set_level('INFO')
    deep = PICTURE.astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / 'a.png'), deep[:, :, ::-1])
    np.testing.assert_array_equal(load_image(tmp_path / 'a.png'), PICTURE)
    assert load_photo(tmp_path / 'a.png').bits == 16


def test_a_limit_that_can_be_raised(tmp_path, monkeypatch):
    cv2.imwrite(str(tmp_path / 'a.png'), PICTURE)
    monkeypatch.setenv(VARIABLE, '100')
    for read in (load_image, load_photo):
        with pytest.raises(SpikeDataError, match=f'240 pixels by its header, .* 100; .* {VARIABLE} to 240'):
            read(tmp_path / 'a.png')
    monkeypatch.setenv(VARIABLE, '240')
    assert load_image(tmp_path / 'a.png').shape == (12, 20, 3)
    monkeypatch.setenv(VARIABLE, 'many')
    with pytest.raises(OptionError, match='expected a whole number'):
        load_image(tmp_path / 'a.png')
