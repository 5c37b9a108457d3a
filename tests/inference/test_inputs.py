"""Photos, spike clips, jobs and exposures."""

import cv2
import numpy as np
import pytest

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdbWriter
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.inference.clip import read_clip
from spikereveal_plugin.inference.instants import at_fractions
from spikereveal_plugin.inference.jobs import ReadOptions, find_jobs
from spikereveal_plugin.inference.timing import Timing
from spikereveal_plugin.recordings.image_lmdb import ImageLmdbWriter
from spikereveal_plugin.recordings.photo import load_photo, quantise
from spikereveal_plugin.recordings.spike_file import SpikeLayout

PLAIN = SpikeLayout()


def write_photo(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[:, :, ::-1])


@pytest.mark.parametrize(
    ('suffix', 'dtype', 'bits'),
    [
        ('.png', np.uint8, 8),
        ('.png', np.uint16, 16),
        ('.tif', np.uint8, 8),
        ('.tif', np.uint16, 16),
        ('.tiff', np.float32, 32),
    ],
)
def test_photos_of_any_depth(tmp_path, suffix, dtype, bits):
    full = {8: 255, 16: 65535, 32: 1}[bits]
    image = (np.random.default_rng(0).random((5, 7, 3)) * full).astype(dtype)
    write_photo(tmp_path / f'x{suffix}', image)
    photo = load_photo(tmp_path / f'x{suffix}')
    assert photo.bits == bits
    np.testing.assert_allclose(photo.pixels, image / np.float32(full), atol=1e-7)
    if bits < 32:
        np.testing.assert_array_equal(quantise(photo.pixels, bits), image)


def test_a_jpeg_and_a_gray_photo(tmp_path):
    write_photo(tmp_path / 'x.jpg', np.full((8, 8, 3), (200, 100, 50), np.uint8))
    np.testing.assert_allclose(load_photo(tmp_path / 'x.jpg').pixels[4, 4] * 255, (200, 100, 50), atol=4)
    cv2.imwrite(str(tmp_path / 'g.png'), np.full((4, 4), 51, np.uint8))
    np.testing.assert_allclose(load_photo(tmp_path / 'g.png').pixels, 0.2, atol=1e-6)


def test_what_is_no_photo_is_said(tmp_path):
    (tmp_path / 'x.png').write_bytes(b'no')
    with pytest.raises(SpikeDataError, match=r'x\.png: not a readable image'):
        load_photo(tmp_path / 'x.png')
    with pytest.raises(SpikeDataError, match='no such image'):
        load_photo(tmp_path / 'y.png')


def spikes(readouts=40, height=12, width=16):
    return np.random.default_rng(0).random((readouts, height, width)) < 0.5


def test_a_dats_sensor_is_a_quarter_of_the_photo(tmp_path):
    write_vidar(tmp_path / 'x.dat', spikes())
    for image in ((48, 64), (46, 61)):  # the second rounded up
        np.testing.assert_array_equal(read_clip(tmp_path / 'x.dat', image, PLAIN).stream, spikes())


def test_only_the_exposure_and_its_margin_are_read(tmp_path):
    write_vidar(tmp_path / 'x.dat', spikes())
    np.save(tmp_path / 'x.npy', spikes())
    for name in ('x.dat', 'x.npy'):
        clip = read_clip(tmp_path / name, (48, 64), PLAIN, Exposure(12, 6), margin=4)
        np.testing.assert_array_equal(clip.stream, spikes()[8:22])
        assert (clip.exposure, clip.offset) == (Exposure(4, 6), 8)
        assert read_clip(tmp_path / name, (48, 64), PLAIN, Exposure(2, 36), margin=4).stream.shape[0] == 40
        with pytest.raises(SpikeDataError, match='readouts 30 to 44 leaves the stream of 40'):
            read_clip(tmp_path / name, (48, 64), PLAIN, Exposure(30, 15))


def test_a_sensor_of_another_size_is_explained(tmp_path):
    write_vidar(tmp_path / 'x.dat', spikes(3, 250, 400))
    with pytest.raises(SpikeDataError, match='the image is 1280x720, the spikes 400x250: expected 320x180.*data align'):
        read_clip(tmp_path / 'x.dat', (720, 1280), PLAIN)
    assert read_clip(tmp_path / 'x.dat', (720, 1280), SpikeLayout(250, 400)).stream.shape == (3, 250, 400)
    write_vidar(tmp_path / 'odd.dat', spikes(3, 11, 13))
    with pytest.raises(SpikeDataError, match='not a whole number of 320x180 readouts'):
        read_clip(tmp_path / 'odd.dat', (720, 1280), PLAIN)
    with pytest.raises(SpikeDataError, match='give --height and --width'):
        read_clip(tmp_path / 'x.dat', None, PLAIN)


@pytest.fixture
def pairs(tmp_path):
    for name in ('a/2', 'a/10', 'b'):
        write_photo(tmp_path / f'photos/{name}.png', np.full((48, 64, 3), 99, np.uint8))
        (tmp_path / f'spikes/{name}').parent.mkdir(parents=True, exist_ok=True)
        write_vidar(tmp_path / f'spikes/{name}.dat', spikes())
    return tmp_path


def test_folders_of_pairs(pairs, caplog):
    write_photo(pairs / 'photos/lonely.png', np.zeros((48, 64, 3), np.uint8))
    jobs = find_jobs(pairs / 'photos', pairs / 'spikes', ReadOptions())
    assert [job.name for job in jobs] == ['a/2', 'a/10', 'b']
    assert '1 left out, they have no spikes: lonely' in caplog.text
    assert jobs[0].photo().pixels.shape == (48, 64, 3)
    assert jobs[0].clip((48, 64), 10).stream.shape == (40, 12, 16)


def test_a_recording_by_period_and_by_table(pairs):
    write_vidar(pairs / 'long.dat', spikes(100))
    by_period = ReadOptions(timing=Timing(Exposure(5, 20), 30))
    jobs = find_jobs(pairs / 'photos', pairs / 'long.dat', by_period)
    clips = [job.clip((48, 64), 3) for job in jobs]
    assert [clip.offset + clip.exposure.first for clip in clips] == [5, 35, 65]
    np.testing.assert_array_equal(clips[1].stream, spikes(100)[32:58])
    (pairs / 't.csv').write_text('name,first,length\na/10.png,7,20\nb,50,10\na/2,30,5\n')
    jobs = find_jobs(pairs / 'photos', pairs / 'long.dat', ReadOptions(timing=Timing(table=pairs / 't.csv')))
    assert [(job.name, job.clip((48, 64), 0).offset) for job in jobs] == [('a/10', 7), ('b', 50), ('a/2', 30)]
    with pytest.raises(OptionError, match='3 photos share one spike stream: give --exposure FIRST LENGTH'):
        find_jobs(pairs / 'photos', pairs / 'long.dat', ReadOptions())


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'expected lines below the header name,first,length'),
        ('name,first\nb,1\n', 'expected lines below the header'),
        ('name,first,length\nb,x,1\n', 'line 2: first and length must be whole numbers'),
        ('name,first,length\nc,1,1\n', "line 2: 'c' is no photo"),
        ('name,first,length\nb,1,1\nb,2,1\n', "line 3: 'b' is twice in it"),
        ('name,first,length\nb,1,1\n', r"no line for 'a/2' \(2 photos missing"),
    ],
)
def test_damaged_tables_are_said(tmp_path, text, message):
    (tmp_path / 't.csv').write_text(text)
    with pytest.raises(SpikeDataError, match=message):
        Timing(table=tmp_path / 't.csv').recording(['a/2', 'a/10', 'b'])


def test_timing_that_contradicts_itself_is_refused(tmp_path):
    with pytest.raises(OptionError, match='leave out --exposure'):
        Timing(Exposure(0, 5), table=tmp_path)
    with pytest.raises(OptionError, match='--period: expected'):
        Timing(period=5)
    with pytest.raises(OptionError, match='for a folder of photos beside one spike file'):
        Timing(Exposure(0, 5), 3).single()


def test_a_data_set_says_its_exposures(tmp_path):
    with ImageLmdbWriter(tmp_path / 'blur.lmdb', 'ppm') as photos, SpikeLmdbWriter(tmp_path / 'spike.lmdb') as streams:
        photos.put('s/0', np.full((48, 64, 3), 51, np.uint8))
        streams.put('s/0', spikes(), 3, 30)
    (job,) = find_jobs(None, tmp_path, ReadOptions())
    np.testing.assert_allclose(job.photo().pixels, 0.2, atol=1e-6)
    assert job.clip(None, 0).exposure == Exposure(3, 30)
    np.testing.assert_array_equal(job.clip(None, 0).stream, spikes())


def test_paths_that_make_no_job_are_said(pairs):
    photo, dat = pairs / 'photos/b.png', pairs / 'spikes/b.dat'
    with pytest.raises(OptionError, match='look swapped: first the blurry photo'):
        find_jobs(dat, photo, ReadOptions())
    with pytest.raises(SpikeDataError, match='a photo alone cannot be restored'):
        find_jobs(None, photo, ReadOptions())
    with pytest.raises(SpikeDataError, match=r'none\.png: no such file'):
        find_jobs(pairs / 'none.png', dat, ReadOptions())
    with pytest.raises(SpikeDataError, match='is one photo, .* a folder'):
        find_jobs(photo, pairs / 'spikes', ReadOptions())
    with pytest.raises(SpikeDataError, match='have no sample in common'):
        find_jobs(pairs / 'photos/a', pairs / 'spikes', ReadOptions())
    with pytest.raises(SpikeDataError, match='no spike file'):
        find_jobs(pairs / 'photos', pairs / 'photos', ReadOptions())


def test_parts_of_an_exposure(caplog):
    assert at_fractions(Exposure(20, 97), (0, 0.5, 1), 21, 137) == (20, 68, 116)
    assert caplog.text == ''
    assert at_fractions(Exposure(0, 40), (0, 1), 21, 40) == (10, 29)
    assert '--at 0: readout 0 has not 10 on each side; 10 it is' in caplog.text
    with pytest.raises(OptionError, match=r'--at 1.5: expected a part of the exposure'):
        at_fractions(Exposure(0, 40), (1.5,), 21, 40)
    with pytest.raises(SpikeDataError, match='has 20 readout'):
        at_fractions(Exposure(0, 20), (0.5,), 21, 20)
