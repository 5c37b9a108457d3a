import pickle
import shutil

import cv2
import numpy as np
import pytest
from basicsr.utils import FileClient
from basicsr.utils.img_util import imfrombytes
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.lmdb_store import LmdbWriter
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb, ImageLmdbWriter

KEY = 'seq/000019'
IMAGE = np.random.default_rng(0).integers(0, 256, (12, 17, 3), np.uint8)
KINDS = pytest.mark.parametrize('kind', ['ppm', 'png'])


def write(path, kind='ppm', image=IMAGE):
    with ImageLmdbWriter(path, kind) as writer:
        writer.put(KEY, image)
    return path


def write_raw(path, payload, name=f'{KEY}.png', shape=IMAGE.shape):
    with LmdbWriter(path) as writer:
        writer.put(name, shape, payload, '1')
    return ImageLmdb(path)


@KINDS
def test_round_trip(tmp_path, kind):
    images = ImageLmdb(write(tmp_path / 'a.lmdb', kind))
    assert images.keys == (KEY,)
    assert images.shapes == {KEY: (12, 17)}
    np.testing.assert_array_equal(images.read(KEY), IMAGE)


@KINDS
def test_basicsr_reads_it(tmp_path, kind):
    write(tmp_path / 'a.lmdb', kind)
    client = FileClient('lmdb', db_paths=[str(tmp_path / 'a.lmdb')], client_keys=['lq'])
    decoded = imfrombytes(client.get(KEY, 'lq'), float32=False)
    np.testing.assert_array_equal(decoded[:, :, ::-1], IMAGE)
    line = {'ppm': 'seq/000019.ppm (12,17,3) 0', 'png': 'seq/000019.png (12,17,3) 1'}[kind]
    assert (tmp_path / 'a.lmdb' / 'meta_info.txt').read_text().splitlines() == [line]


def test_basicsr_reads_what_the_package_has_open_elsewhere(tmp_path):
    path = write(tmp_path / 'a.lmdb')
    ImageLmdb(path).read(KEY)
    copy = shutil.copytree(path, tmp_path / 'b.lmdb')
    client = FileClient('lmdb', db_paths=[str(copy)], client_keys=['lq'])
    assert imfrombytes(client.get(KEY, 'lq'), float32=True).shape == IMAGE.shape


def test_it_reads_what_basicsr_made(tmp_path):
    from basicsr.utils.lmdb_util import make_lmdb_from_imgs

    (tmp_path / 'seq').mkdir()
    cv2.imwrite(str(tmp_path / 'seq' / '000019.png'), IMAGE[:, :, ::-1])
    make_lmdb_from_imgs(str(tmp_path), str(tmp_path / 'a.lmdb'), [f'{KEY}.png'], [KEY], map_size=2**20)
    images = ImageLmdb(tmp_path / 'a.lmdb')
    assert images.shapes == {KEY: (12, 17)}
    np.testing.assert_array_equal(images.read(KEY, top=3, left=5, height=4, width=6), IMAGE[3:7, 5:11])


@KINDS
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_a_crop_is_a_slice(tmp_path_factory, kind, data):
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    image = np.random.default_rng(height * 10 + width).integers(0, 256, (height, width, 3), np.uint8)
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    rows, columns = data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left))
    images = ImageLmdb(write(tmp_path_factory.mktemp('crop') / 'a.lmdb', kind, image))
    crop = images.read(KEY, top=top, left=left, height=rows, width=columns)
    assert crop.flags.c_contiguous
    assert crop.flags.writeable
    np.testing.assert_array_equal(crop, image[top : top + rows, left : left + columns])


def test_a_jpeg_and_a_gray_image_are_decoded(tmp_path):
    smooth = cv2.resize(IMAGE[:2, :2], (17, 12), interpolation=cv2.INTER_LINEAR)
    jpeg = cv2.imencode('.jpg', smooth, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    read = write_raw(tmp_path / 'j.lmdb', jpeg, f'{KEY}.jpg').read(KEY)
    np.testing.assert_array_equal(read, cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1])
    gray = cv2.imencode('.png', IMAGE[:, :, 0])[1].tobytes()
    read = write_raw(tmp_path / 'g.lmdb', gray, shape=(12, 17, 1)).read(KEY)
    np.testing.assert_array_equal(read, np.repeat(IMAGE[:, :, :1], 3, axis=2))


def test_a_ppm_with_another_header_is_decoded(tmp_path):
    payload = b'P6\n# a comment\n17 12\n255\n' + IMAGE.tobytes()
    read = write_raw(tmp_path / 'a.lmdb', payload, f'{KEY}.ppm').read(KEY, top=2, height=3)
    np.testing.assert_array_equal(read, IMAGE[2:5])


def test_it_pickles(tmp_path):
    copy = pickle.loads(pickle.dumps(ImageLmdb(write(tmp_path / 'a.lmdb'))))
    np.testing.assert_array_equal(copy.read(KEY), IMAGE)


@KINDS
@pytest.mark.parametrize(
    ('crop', 'message'),
    [
        ({'top': 10, 'height': 3}, r"'seq/000019': rows \[10, 13\) is empty or leaves \[0, 12\)"),
        ({'left': -1}, r'columns \[-1, 17\)'),
        ({'width': 0}, r'columns \[0, 0\)'),
    ],
)
def test_crops_outside_the_image_are_refused(tmp_path, kind, crop, message):
    with pytest.raises(SpikeDataError, match=message):
        ImageLmdb(write(tmp_path / 'a.lmdb', kind)).read(KEY, **crop)


@pytest.mark.parametrize(
    ('payload', 'message'),
    [
        (b'P6\n17 12\n255\n' + IMAGE.tobytes()[:-1], '624 bytes are stored but a PPM of 12x17 needs 625'),
        (b'P6\n16 12\n255\n' + IMAGE[:, :16].tobytes(), 'meta_info.txt says 12x17, the stored image is 12x16'),
        (b'no image', r'not a readable image \(8 bytes\)'),
        (b'', 'not a readable image'),
    ],
)
def test_damaged_records_are_refused(tmp_path, payload, message):
    images = write_raw(tmp_path / 'a.lmdb', payload)
    with pytest.raises(SpikeDataError, match=message):
        images.read(KEY)


@pytest.mark.parametrize('shape', [(12, 17), (12, 17, 4)])
def test_an_lmdb_of_something_else_is_refused(tmp_path, shape):
    with pytest.raises(SpikeDataError, match=r"'seq/000019': expected a line .* is this an LMDB of images\?"):
        write_raw(tmp_path / 'a.lmdb', b'x', shape=shape)


@pytest.mark.parametrize('image', [IMAGE[:, :, 0], IMAGE.astype(np.float32), IMAGE[:0], IMAGE[:, :, :2]])
def test_other_arrays_are_refused(tmp_path, image):
    with pytest.raises(SpikeDataError, match=r'an image must be \(H, W, 3\) RGB uint8, got'):
        write(tmp_path / 'a.lmdb', image=image)
    assert list(tmp_path.iterdir()) == []


def test_another_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match="kind must be 'ppm' or 'png', got 'jpg'"):
        ImageLmdbWriter(tmp_path / 'a.lmdb', 'jpg')
