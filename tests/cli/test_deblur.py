import errno
import json
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from spikereveal_plugin.archs import LDN
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.formats import atomic
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.inference import restore
from spikereveal_plugin.physics.simulate import SpikeCamera, simulate_spikes
from spikereveal_plugin.weights import registry

EXPOSURE = ('--exposure', '10', '21')


@pytest.fixture(scope='module')
def files(tmp_path_factory) -> Path:
    """A picture that is bright at its top and slides sideways: photo.png, photo16.png, spikes.dat, ldn.pth."""
    folder = tmp_path_factory.mktemp('files')
    rows, columns = np.mgrid[0:48, 0:105]
    picture = 0.1 + 0.7 * (1 - rows / 48) * (0.6 + 0.4 * np.sin(columns / 6))
    frames = np.stack([picture[:, t : t + 64] for t in range(41)]).astype(np.float32)
    photo = np.repeat(frames[10:31].mean(0)[:, :, None], 3, axis=2)
    cv2.imwrite(str(folder / 'photo.png'), np.rint(photo * 255).astype(np.uint8))
    cv2.imwrite(str(folder / 'photo16.png'), np.rint(photo * 65535).astype(np.uint16))
    light = torch.from_numpy(frames.reshape(41, 12, 4, 16, 4).mean((2, 4)))
    spikes = simulate_spikes(light, SpikeCamera(), torch.Generator().manual_seed(0)).numpy()
    write_vidar(folder / 'spikes.dat', spikes)
    np.save(folder / 'flipped.npy', spikes[:, ::-1])
    np.save(folder / 'dark.npy', spikes & False)
    np.save(folder / 'saturated.npy', spikes | True)
    np.save(folder / 'one.npy', spikes[:1])
    np.save(folder / 'wide.npy', spikes[:, :5])
    np.save(folder / 'nan.npy', np.where(spikes, np.nan, np.float32(0)))
    np.save(folder / 'counts.npy', spikes * np.uint8(7))
    for kind, name in (('photos_of_a', 'photo.png'), ('spikes_of_a', 'spikes.dat')):
        (folder / kind).mkdir()
        (folder / kind / name).with_stem('a').write_bytes((folder / name).read_bytes())
    cv2.imwrite(str(folder / 'nan.tiff'), np.where(photo > 0.5, np.nan, photo).astype(np.float32))
    torch.manual_seed(0)
    torch.save({'params': LDN(starts_from_blur=True).state_dict()}, folder / 'ldn.pth')
    return folder


@pytest.fixture
def deblur(files, tmp_path, monkeypatch):
    """Run the command in a folder of its own, with the files' names as they are typed."""
    monkeypatch.chdir(tmp_path)

    def run(*words, weights=('--weights', 'ldn.pth')):
        known = {path.name: str(path) for path in files.iterdir()}
        return main(['deblur', *(known.get(word, word) for word in (*words, *weights))])

    return run


def test_pngs_in_a_folder_and_going_on(deblur, tmp_path, monkeypatch, capsys):
    words = ('photo.png', 'spikes.dat', '-o', 'out', '--frames', '3', *EXPOSURE)
    assert deblur(*words) == 0
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [
        '000.png',
        '001.png',
        '002.png',
        'deblur.json',
    ]
    frame = cv2.imread(str(tmp_path / 'out/001.png'), cv2.IMREAD_UNCHANGED)
    assert (frame.shape, frame.dtype) == ((48, 64, 3), np.uint8)
    assert json.loads((tmp_path / 'out/deblur.json').read_text())['done']['photo']['readouts'] == [10, 20, 30]
    monkeypatch.setattr(restore, 'write_pictures', lambda *_: pytest.fail('restored again'))
    assert deblur(*words) == 0
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert deblur('photo.png', 'spikes.dat', '-o', 'out', '--frames', '5', *EXPOSURE) == 1
    assert 'holds results of other settings (frames differ)' in capsys.readouterr().err
    assert deblur('photo.png', 'spikes.dat', '-o', 'out', '--frames', '5', *EXPOSURE, '--overwrite') == 0


def test_a_folder_goes_on_where_it_stopped(deblur, files, tmp_path, monkeypatch):
    for name in ('a', 'b'):
        for kind, source in (('photos', 'photo.png'), ('spikes', 'spikes.dat')):
            target = tmp_path / kind / f'{name}{Path(source).suffix}'
            target.parent.mkdir(exist_ok=True)
            target.write_bytes((files / source).read_bytes())
    words = ('photos', 'spikes', '-o', 'out', '--frames', '1', '--method', 'sdm')
    write, calls = restore.write_pictures, []

    def stop_at_the_second(*args):
        calls.append(args[0].name)
        if calls == ['a', 'b']:
            raise KeyboardInterrupt
        return write(*args)

    monkeypatch.setattr(restore, 'write_pictures', stop_at_the_second)
    assert deblur(*words, weights=()) == 130
    assert deblur(*words, weights=()) == 0
    assert calls == ['a', 'b', 'b']
    assert (tmp_path / 'out/b/000.png').is_file()


def test_sixteen_bits_in_and_out(deblur, tmp_path):
    assert deblur('photo16.png', 'spikes.dat', '-o', 'middle.png', '--at', '0.5', *EXPOSURE) == 0
    assert cv2.imread(str(tmp_path / 'middle.png'), cv2.IMREAD_UNCHANGED).dtype == np.uint16


def test_an_identity_student_gives_the_photo_back(deblur, files, tmp_path):
    """LDN that `starts_from_blur`: what comes out is what went in, through every reader and writer."""
    assert deblur('photo16.png', 'spikes.dat', '-o', 'middle.png', '--frames', '1') == 0
    out, photo = (
        cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (tmp_path / 'middle.png', files / 'photo16.png')
    )
    np.testing.assert_allclose(out.astype(int), photo, atol=1)


@pytest.mark.parametrize('name', ['out.mp4', 'out.gif'])
def test_films(deblur, tmp_path, name):
    words = ('photo.png', 'spikes.dat', '-o', name, '--frames', '4', '--side-by-side', '--method', 'sdm', *EXPOSURE)
    assert deblur(*words, weights=()) == 0
    film = cv2.VideoCapture(str(tmp_path / name))
    frames = []
    while (result := film.read())[0]:
        frames.append(result[1])
    assert len(frames) == 4
    assert frames[0].shape == (48, 128, 3)
    assert abs(frames[0][:, :60].mean() - frames[0][:, 68:].mean()) < 20  # the photo beside its restoration


def test_physics_needs_no_weights(deblur, tmp_path):
    assert deblur('photo.png', 'spikes.dat', '-o', 'out.png', '--at', '0.5', '--method', 'sdm', weights=()) == 0
    assert cv2.imread(str(tmp_path / 'out.png')).std() > 5


def test_light_change_needs_no_weights_and_has_nothing_to_set(deblur, tmp_path, capsys):
    light = ('photo.png', 'spikes.dat', '-o', 'out.png', '--at', '0.5', '--method', 'light')
    assert deblur(*light, weights=()) == 0
    assert cv2.imread(str(tmp_path / 'out.png')).std() > 5
    for more in (('--sigma', '4'), ('--density', 'auto'), ('--short-window', '9'), ('--weights', 'ldn-light-labels')):
        assert deblur(*light, '--overwrite', *more, weights=()) == 1
        assert f'{more[0]}: --method light has nothing to set' in capsys.readouterr().err


def test_spikes_alone_are_previewed(deblur, tmp_path, caplog):
    caplog.set_level('INFO')
    words = ('spikes.dat', '-o', 'p.mp4', '--height', '12', '--width', '16', '--short-window', '9', '--frames', '3')
    assert deblur(*words, weights=()) == 0
    assert 'no blurry photo: a gray preview' in caplog.text
    top, bottom = cv2.VideoCapture(str(tmp_path / 'p.mp4')).read()[1][[1, -2]]
    assert top.mean() > bottom.mean() + 40  # not upside down


def test_a_real_recording_without_a_photo(shared, tmp_path):
    out = tmp_path / 'p.gif'
    assert main(['deblur', str(shared / 'data/vidar/uhsr.npz'), '-o', str(out), '--frames', '3']) == 0
    assert cv2.VideoCapture(str(out)).read()[1].shape == (250, 250, 3)


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('spikes.dat', 'photo.png'), 'look swapped'),
        (('spikes_of_a', 'photos_of_a'), 'look swapped'),
        (('spikes_of_a', 'spikes.dat'), 'look swapped'),
        (('photo.png', 'flipped.npy'), 'the spikes look upside down'),
        (('photo.png', 'spikes.dat', '--no-flip'), 'the spikes look upside down'),
        (('photo.png', 'dark.npy'), 'no spike fell'),
        (('photo.png', 'saturated.npy'), 'saturated'),
        (('photo.png', 'nan.npy'), 'nan.npy'),
        (('photo.png', 'counts.npy'), 'counts.npy'),
        (('photo.png', 'one.npy'), 'the stream has 1 readout'),
        (('photo.png', 'one.npy', '--method', 'sdm'), '1 readout'),
        (('one.npy',), '1 readout'),
        (('dark.npy', '--frames', '1'), 'no spike fell'),
        (('photo.png', 'wide.npy'), 'the image is 64x48, the spikes 16x5: expected 16x12'),
        (('nan.tiff', 'spikes.dat'), 'holds NaN'),
        (('photo.png', 'nothing.dat'), 'nothing.dat: no such file'),
        (('photo.png', 'spikes.dat', '--exposure', '30', '20'), 'leaves the stream of 41'),
        (('photo.png', 'spikes.dat', '--exposure', '-1', '20'), '--exposure: exposure: first must be 0 or more'),
        (('photo.png', 'spikes.dat', '-o', 'x.webp'), 'x.webp: .webp is not written; name a folder, or a .png, .jpg'),
        (('photo.png', 'spikes.dat', '-o', 'x.avi'), 'x.avi: .avi is not written'),
        (('photo.png', 'spikes.dat', '--frames', '0'), '--frames 0: expected 1 or more'),
        (('photo.png', 'spikes.dat', '--fps', '0'), '--fps 0.0: expected a positive number'),
        (('photo.png', 'spikes.dat', '--density', 'x'), "--density 'x': expected auto or a number"),
        (('photo.png', 'spikes.dat', '--weights', 'ldn-x'), 'ldn-x: neither a file nor a name of weights'),
    ],
)
def test_bad_input_is_one_line(deblur, capsys, words, message):
    assert deblur('-o', 'out', *words, weights=() if '--weights' in words else ('--weights', 'ldn.pth')) == 1
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1
    assert message in lines[0]
    assert 'Traceback' not in error


def test_no_check_accepts_a_flip(deblur):
    assert deblur('photo.png', 'flipped.npy', '-o', 'out.png', '--at', '0.5', '--no-check') == 0


def test_weights_of_the_package_are_the_default(deblur, tmp_path):
    assert deblur('photo.png', 'spikes.dat', '-o', 'out', '--frames', '1', weights=()) == 0
    assert json.loads((tmp_path / 'out/deblur.json').read_text())['settings']['weights'] == 'ldn-light-labels'


def test_without_weights_physics_is_recommended(deblur, capsys, monkeypatch):
    monkeypatch.setattr(registry, 'list_students', lambda: ())
    assert deblur('photo.png', 'spikes.dat', '-o', 'out', weights=()) == 1
    assert '--method sdm' in capsys.readouterr().err


def test_sigma_is_of_physics_alone(deblur, tmp_path, capsys):
    assert deblur('photo.png', 'spikes.dat', '-o', 'a.png', '--at', '0.5', '--method', 'sdm', '--sigma', '4') == 0
    assert (tmp_path / 'a.png').is_file()
    assert deblur('photo.png', 'spikes.dat', '-o', 'b.png', '--sigma', '4') == 1
    assert '--sigma: tapers the window of --method sdm' in capsys.readouterr().err
    physics = ('--method', 'sdm', '--sigma', '4')
    assert deblur('photo.png', 'spikes.dat', '-o', 'b.png', *physics, '--short-window', '9') == 1
    assert 'a tapered window has no --short-window' in capsys.readouterr().err


@pytest.mark.parametrize(('suffix', 'bits'), [('png', 16), ('tif', 16), ('tiff', 16), ('jpg', 8), ('JPEG', 8)])
def test_a_picture_is_what_its_ending_says(deblur, tmp_path, suffix, bits):
    assert deblur('photo16.png', 'spikes.dat', *EXPOSURE, '-o', f'x.{suffix}', '--at', '0.5') == 0
    image = cv2.imread(str(tmp_path / f'x.{suffix}'), cv2.IMREAD_UNCHANGED)
    assert image.dtype == (np.uint8 if bits == 8 else np.uint16)
    heads = {'png': b'\x89PNG', 'tif': b'II*\0', 'tiff': b'II*\0'}
    assert (tmp_path / f'x.{suffix}').read_bytes().startswith(heads.get(suffix, b'\xff\xd8\xff'))
    expected = cv2.imread(str(next(tmp_path.glob('x.*'))), cv2.IMREAD_UNCHANGED)
    assert image.shape == expected.shape == (48, 64, 3)


@pytest.mark.parametrize('kind', ['png', 'jpg', 'tif'])
def test_folders_of_pictures_go_on(deblur, tmp_path, kind, monkeypatch):
    words = ('photo.png', 'spikes.dat', *EXPOSURE, '-o', 'out', '--frames', '2', '--format', kind)
    assert deblur(*words) == 0
    assert sorted(path.name for path in (tmp_path / 'out').glob(f'*.{kind}')) == [f'000.{kind}', f'001.{kind}']
    monkeypatch.setattr(restore, 'write_pictures', lambda *_: pytest.fail('restored again'))
    assert deblur(*words) == 0


def test_frames_are_scored(deblur, tmp_path, capsys):
    words = ('photo.png', 'spikes.dat', *EXPOSURE, '--frames', '2')
    assert deblur(*words, '-o', 'truth') == 0
    for number, path in enumerate(sorted((tmp_path / 'truth').glob('*.png'))):
        cv2.imwrite(str(path.with_name(f'frame_{number}.png')), cv2.imread(str(path)) // 2)
        path.unlink()
    (tmp_path / 'truth/deblur.json').unlink()
    assert deblur(*words, '-o', 'out', '--metrics', 'psnr', 'ssim', '--sharp', 'truth') == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['000', '001', 'mean']
    images = [cv2.imread(str(tmp_path / 'out' / f'{n:03d}.png')).astype(float) for n in range(2)]
    psnr = [10 * np.log10(255**2 / ((image - image // 2) ** 2).mean()) for image in images]
    found = [float(re.search(r'psnr ([\d.]+)', line)[1]) for line in lines]
    assert found == pytest.approx([*psnr, np.mean(psnr)], abs=1e-3)
    one = ('photo.png', 'spikes.dat', *EXPOSURE, '--at', '0.5', '-o', 'one.jpg')
    assert deblur(*one, '--sharp', 'out/000.png') == 0
    assert 'mean of 1  psnr' in capsys.readouterr().out


def test_sharp_images_are_not_written_over(deblur, tmp_path, capsys):
    words = ('photo.png', 'spikes.dat', *EXPOSURE, '--frames', '2')
    assert deblur(*words, '-o', 'truth') == 0
    (tmp_path / 'truth/deblur.json').unlink()
    before = {path.name: path.read_bytes() for path in (tmp_path / 'truth').iterdir()}
    assert deblur(*words, '--method', 'sdm', '-o', 'truth', '--sharp', 'truth', '--overwrite', weights=()) == 1
    assert 'this command reads it, so it cannot write there' in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / 'truth').glob('*.png')} == before


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (('--metrics', 'psnr'), '--metrics psnr: compares with sharp images; name them by --sharp'),
        (('--sharp', 'gone'), 'gone: no such file or folder'),
        (('--metrics', 'psnrr', '--sharp', '.'), 'psnrr'),
        (('--sharp', '.', '--format', 'mp4'), '--metrics: scores pictures, and .mp4 is none'),
    ],
)
def test_what_cannot_be_scored_is_said_before_any_work(deblur, tmp_path, capsys, words, said):
    assert deblur('photo.png', 'spikes.dat', '-o', 'out', *words) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_sharp_images_that_do_not_belong(deblur, tmp_path, capsys):
    words = ('photo.png', 'spikes.dat', *EXPOSURE, '--frames', '2')
    assert deblur(*words, '-o', 'out', '--sharp', 'photo.png') == 1
    assert '1 sharp image(s) for 2 frame(s)' in capsys.readouterr().err
    cv2.imwrite(str(tmp_path / 's.png'), np.zeros((8, 8, 3), np.uint8))
    assert deblur('photo.png', 'spikes.dat', *EXPOSURE, '--at', '0.5', '-o', 'o.png', '--sharp', 's.png') == 1
    assert 's.png: 8x8 pixels, but o.png has 64x48' in capsys.readouterr().err


def test_outputs_that_do_not_fit(deblur, tmp_path, capsys):
    (tmp_path / 'there.mp4').write_bytes(b'precious')
    assert deblur('photo.png', 'spikes.dat', '-o', 'there.mp4') == 1
    assert 'there.mp4 exists; replace it with --overwrite' in capsys.readouterr().err
    assert (tmp_path / 'there.mp4').read_bytes() == b'precious'
    assert deblur('photo.png', 'spikes.dat', '-o', 'a.png') == 1
    assert '7 frames do not fit in one picture' in capsys.readouterr().err
    assert deblur('photo.png', 'spikes.dat', '-o', 'a.mp4', '--format', 'gif') == 1
    assert '--format gif: a.mp4 ends in .mp4' in capsys.readouterr().err


def test_a_file_in_the_way_of_the_folder(deblur, tmp_path, capsys):
    (tmp_path / 'out').write_text('in the way')
    assert deblur('photo.png', 'spikes.dat', '-o', 'out') == 1
    assert 'out: cannot be written: File exists' in capsys.readouterr().err


def test_a_read_only_folder(deblur, monkeypatch, capsys):
    def refuse(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, 'Permission denied')

    monkeypatch.setattr(Path, 'touch', refuse)
    assert deblur('photo.png', 'spikes.dat', '-o', 'out') == 1
    assert 'out: cannot be written: Permission denied' in capsys.readouterr().err


@pytest.mark.skipif(not Path('/sys/kernel').is_dir(), reason='no folder here in which even root cannot write')
def test_a_folder_that_nobody_writes_in(deblur, capsys):
    assert deblur('photo.png', 'spikes.dat', '-o', '/sys/kernel') == 1
    assert re.fullmatch(r'error: /sys/kernel: cannot be written: .+', capsys.readouterr().err.splitlines()[-1])


@pytest.mark.parametrize('name', ['out', 'out.gif', 'out.mp4'])
def test_files_that_may_not_grow(deblur, tmp_path, capsys, name):
    """The system refuses any byte after the 300th of a file, to Python and to OpenCV alike, as a full disk does."""
    resource = pytest.importorskip('resource', reason='no limit of file sizes on this system')
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        code = deblur('photo.png', 'spikes.dat', '-o', name, '--frames', '2')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 1
    error = capsys.readouterr().err
    assert re.search(r'error: .*out.*(File too large|is the disk full\?)', error.splitlines()[-1]), error
    assert 'Traceback' not in error
    assert not [path for path in tmp_path.rglob('*') if path.suffix in ('.png', '.gif', '.mp4', '.part')]


@pytest.mark.parametrize('name', ['out', 'out.gif'])
def test_a_full_disk(deblur, tmp_path, monkeypatch, capsys, name):
    def full(descriptor):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(atomic.os, 'fsync', full)
    assert deblur('photo.png', 'spikes.dat', '-o', name, '--frames', '2') == 1
    assert 'No space left on device' in capsys.readouterr().err
    assert not list(tmp_path.rglob('*.png')) + list(tmp_path.rglob('*.gif')) + list(tmp_path.rglob('.*'))


def test_a_full_disk_under_a_video(deblur, tmp_path, monkeypatch, capsys):
    """OpenCV says nothing; the frames that can be read back do."""
    monkeypatch.setattr(
        cv2, 'VideoCapture', lambda _: type('Empty', (), {'grab': lambda s: False, 'release': lambda s: None})()
    )
    assert deblur('photo.png', 'spikes.dat', '-o', 'out.mp4', '--frames', '2') == 1
    assert 'is the disk full?' in capsys.readouterr().err
    assert not list(tmp_path.glob('*mp4*')) + list(tmp_path.glob('.*mp4'))


@pytest.mark.parametrize('command', ['deblur', 'export'])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit, match='0'):
        main([command, '--help'])
    assert f'spikereveal {command}' in capsys.readouterr().out.partition('examples:')[2]


def test_export(deblur, files, tmp_path, capsys, caplog):
    """The exported file, read by other libraries at a size that it was not traced with, against the network."""
    caplog.set_level('INFO')
    onnxruntime = pytest.importorskip('onnxruntime', reason="needs pip install 'spikereveal_plugin[export]'")
    pytest.importorskip('onnx', reason="needs pip install 'spikereveal_plugin[export]'")
    weights = str(files / 'ldn.pth')
    assert main(['export', '--weights', weights, '-o', 'ldn.onnx']) == 0
    assert main(['export', '--weights', weights, '-o', 'ldn.pt']) == 0
    assert main(['export', '--weights', weights, '-o', 'ldn.tflite']) == 1
    assert 'expected a name that ends in .onnx or .pt' in capsys.readouterr().err
    network = LDN()
    network.load_state_dict(torch.load(files / 'ldn.pth', weights_only=True)['params'])
    blur, spikes = torch.rand(1, 3, 20, 36), torch.randint(0, 2, (1, 21, 5, 9)).float()
    session = onnxruntime.InferenceSession(str(tmp_path / 'ldn.onnx'), providers=['CPUExecutionProvider'])
    with torch.no_grad():
        expected = network(blur, spikes)
        traced = torch.jit.load(tmp_path / 'ldn.pt')(blur, spikes)
    (found,) = session.run(['sharp'], {'blur': blur.numpy(), 'spikes': spikes.numpy()})
    np.testing.assert_allclose(found, expected, atol=1e-4)
    torch.testing.assert_close(traced, expected, rtol=0, atol=1e-4)


def test_export_without_its_extra(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    monkeypatch.setitem(sys.modules, 'onnx', None)
    assert main(['export', '--weights', str(files / 'ldn.pth'), '-o', str(tmp_path / 'x.onnx')]) == 1
    assert "pip install 'spikereveal_plugin[export]'" in capsys.readouterr().err
    assert not (tmp_path / 'x.onnx').exists()
