"""Photos as cameras and editors save them, by every command that reads photos: taken alike, or one clear error."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.open_split import open_split

HEIGHT, WIDTH = 64, 96


def pixels() -> np.ndarray:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    plane = 60 + 120 * (rows / HEIGHT) * (0.5 + 0.5 * np.sin(columns / 9))
    return np.stack([plane, 0.9 * plane, 0.7 * plane], axis=2).round().astype(np.uint8)  # RGB


def encoded(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def pillow(kind: str, image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(kind: str, turn: int) -> bytes:
    """A picture stored so that it is right once turned as its EXIF says."""
    methods = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = turn
    return pillow(
        kind,
        Image.fromarray(pixels()).transpose(methods[turn]),
        exif=exif,
        **({'quality': 98} if kind == 'JPEG' else {}),
    )


BGR = pixels()[:, :, ::-1]
KINDS: dict[str, tuple[str, bytes]] = {
    'png': ('png', encoded('.png', BGR)),
    'png of 16 bits': ('png', encoded('.png', BGR.astype(np.uint16) * 257)),
    'png, transparent': ('png', encoded('.png', np.dstack([BGR, np.full((HEIGHT, WIDTH), 99, np.uint8)]))),
    'png, palette': ('png', pillow('PNG', Image.fromarray(pixels()).quantize(256))),
    'jpg': ('jpg', encoded('.jpg', BGR)),
    'JPEG': ('JPEG', encoded('.jpg', BGR)),
    'bmp': ('bmp', encoded('.bmp', BGR)),
    'tif': ('tif', encoded('.tif', BGR)),
    'tiff of 16 bits': ('tiff', encoded('.tiff', BGR.astype(np.uint16) * 257)),
    **{f'jpg, turned by {turn}': ('jpg', turned('JPEG', turn)) for turn in (3, 6, 8)},
    'png, turned by 6': ('png', turned('PNG', 6)),
}
GRAY = ('png', encoded('.png', BGR[:, :, 0]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/ (empty), spikes/a.dat of 30 readouts, fitting `pixels`."""
    monkeypatch.chdir(tmp_path)
    for name in ('photos', 'spikes'):
        Path(name).mkdir()
    light = pixels().mean(2).reshape(HEIGHT // 4, 4, WIDTH // 4, 4).mean((1, 3)) / 255
    phase = light * np.arange(1, 31)[:, None, None]
    write_vidar(Path('spikes/a.dat'), np.floor(phase) > np.floor(phase - light))
    return tmp_path


def put(kind: tuple[str, bytes], place: str = 'photos') -> str:
    path = Path(place, f'a.{kind[0]}')
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(kind[1])
    return str(path)


def by_deblur(photo: str) -> np.ndarray:
    assert (
        main(['deblur', photo, 'spikes/a.dat', '-o', 'x.png', '--at', '0.5', '--method', 'sdm', '--side-by-side']) == 0
    )
    return cv2.imread('x.png')[:, :WIDTH, ::-1]


def by_import(photo: str) -> np.ndarray:
    assert main(['data', 'import', 'folder', 'photos', 'spikes', '-o', 'set']) == 0
    source = open_split(Path('set/train'))
    return source.blur(source.keys[0])


def by_align(photo: str) -> np.ndarray:
    from spikereveal_plugin.inspecting.align_recordings import AlignOptions, _load
    from spikereveal_plugin.recordings.find_recordings import find_recordings
    from spikereveal_plugin.recordings.spike_file import SpikeLayout

    (recording,) = find_recordings(Path('photos'), Path('spikes')).recordings
    light = _load(recording, AlignOptions(SpikeLayout())).light * 255
    return np.repeat(light[:, :, None], 3, axis=2)


def by_compare(photo: str) -> np.ndarray:
    from spikereveal_plugin.compare.reading import frame_size, load_frame

    frame = load_frame(Path(photo))
    assert frame_size(Path(photo)) == frame.shape[:2]
    return frame * 255


READERS = {'deblur': by_deblur, 'import': by_import, 'compare': by_compare}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('reader', READERS)
def test_every_kind_is_taken_alike(reader, kind, folder):
    image = READERS[reader](put(KINDS[kind]))
    assert image.shape == (HEIGHT, WIDTH, 3)
    lossy = any(word in kind for word in ('jp', 'JP', 'palette'))
    assert np.abs(image.astype(float) - pixels()).mean() < (3 if lossy else 0.6), kind


@pytest.mark.parametrize('kind', ['png', 'png of 16 bits', 'jpg, turned by 6'])
def test_align_sees_the_same_light(kind, folder):
    from spikereveal_plugin.physics.gray import gray

    expected = np.asarray(gray(pixels().transpose(2, 0, 1).astype(np.float32)))[0]
    assert np.abs(by_align(put(KINDS[kind]))[:, :, 0] - expected).mean() < 3


@pytest.mark.parametrize('reader', READERS)
def test_a_gray_photo_has_three_equal_channels(reader, folder):
    image = READERS[reader](put(GRAY))
    assert np.abs(image.astype(float) - BGR[:, :, :1]).mean() < 0.6


@pytest.mark.parametrize('command', ['inspect', 'import', 'deblur'])
@pytest.mark.parametrize(
    'raw', [b'', b'\x89PNG\r\n', KINDS['png'][1][:200], b'<html>'], ids=['empty', 'head', 'cut', 'html']
)
def test_what_is_no_photo_is_one_line(command, raw, folder, capsys):
    photo = put(('png', raw))
    words = {
        'inspect': ['data', 'inspect', 'spikes/a.dat', '--blur', photo],
        'import': ['data', 'import', 'folder', 'photos', 'spikes', '-o', 'set'],
        'deblur': ['deblur', photo, 'spikes/a.dat', '-o', 'x.png', '--at', '0.5', '--method', 'sdm'],
    }[command]
    assert main(words) == 1
    error = capsys.readouterr().err
    assert 'photos/a.png' in error
    assert 'Traceback' not in error


@pytest.mark.smoke
@pytest.mark.parametrize('kind', ['png of 16 bits', 'jpg, turned by 8', 'tif'])
def test_adapt_takes_them_too(kind, folder, capsys):
    put(KINDS[kind])
    np.save('spikes/a.npy', np.random.default_rng(0).random((61, HEIGHT // 4, WIDTH // 4)) < 0.3)
    Path('spikes/a.dat').unlink()
    words = ['--iterations', '1', '--crop', '16', '--instants', '1', '--val-instants', '1']
    assert main(['adapt', 'photos', 'spikes', '-o', 'mine', *words]) == 0, capsys.readouterr().err
