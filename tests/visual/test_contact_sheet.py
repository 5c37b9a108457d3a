import cv2
import numpy as np
import pytest

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.visual.contact_sheet import contact_sheet, save_png


def colour(value, height=64, width=96):
    return np.full((height, width, 3), value, np.uint8)


def test_tiles_are_where_they_belong():
    reds = [(f'tile {index}', colour((40 * index + 30, 0, 0))) for index in range(5)]
    sheet = contact_sheet(reds, columns=3)
    places = [np.argwhere((sheet == (40 * index + 30, 0, 0)).all(axis=-1)).min(axis=0) for index in range(5)]
    rows, columns = np.transpose(places)
    assert rows[0] == rows[1] == rows[2] < rows[3] == rows[4]
    assert columns[0] == columns[3] < columns[1] == columns[4] < columns[2]
    for index in range(5):
        assert (sheet == (40 * index + 30, 0, 0)).all(axis=-1).sum() == 64 * 96


def test_small_gray_tiles_keep_their_pixels():
    spikes = np.random.default_rng(0).integers(64, 256, (16, 24), np.uint8)
    sheet = contact_sheet([('image', colour(0)), ('spikes', spikes)], columns=1)
    tile = sheet[-64 - 2 : -2, 2 : 2 + 96]
    np.testing.assert_array_equal(tile, np.kron(spikes, np.ones((4, 4), np.uint8))[..., None].repeat(3, axis=2))


@pytest.mark.parametrize('width', [64, 256, 1280])
def test_labels_are_drawn_and_fit(width):
    plain = contact_sheet([('', colour(0, 64, width))])
    for label in (
        'I',
        'SDM, bilinear (23.01 dB)',
        'a label that is much longer than anyone would like it to be, really',
    ):
        sheet = contact_sheet([(label, colour(0, 64, width))])
        assert sheet.shape == plain.shape
        drawn = np.argwhere((sheet != plain).any(axis=-1))
        assert len(drawn) > 3
        assert drawn[:, 1].max() < sheet.shape[1] - 4
        assert drawn[:, 0].max() < sheet.shape[0] - 64


def test_default_layout_is_nearly_square():
    sheet = contact_sheet([('x', colour(9, 100, 100))] * 9)
    assert 1 <= sheet.shape[0] / sheet.shape[1] < 1.4


@pytest.mark.parametrize(
    ('tiles', 'columns', 'message'),
    [
        ([], None, 'no tile was given'),
        ([('a', colour(0))], 0, '0 columns, expected at least 1'),
        ([('a', colour(0).astype(np.float32))], 1, r"'a': expected .* got \(64, 96, 3\) float32"),
        ([('b', np.zeros((4, 4, 4), np.uint8))], 1, r"'b': expected .* got \(4, 4, 4\) uint8"),
    ],
)
def test_other_forms_are_refused(tiles, columns, message):
    with pytest.raises(ValueError, match=message):
        contact_sheet(tiles, columns)


def test_a_png_is_read_back(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    save_png(tmp_path / 'deep/sheet.png', picture)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'deep/sheet.png'))[:, :, ::-1], picture)


def test_only_png_is_written(tmp_path):
    with pytest.raises(SpikeDataError, match=r'sheet\.jpg: expected a name that ends in \.png'):
        save_png(tmp_path / 'sheet.jpg', colour(0))
