"""Files that commands write: nothing that is there is replaced unasked, and no input ever; all commands, by table."""

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from spikereveal_plugin.archs import LDN
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights

SECTION = {'type': 'LDN', 'num_feat': 4, 'reduction': 4}
COMMANDS = {  # each with a file that it writes, and one of its inputs
    'play': (['data', 'play', 'spikes.dat', '--height', '32', '--width', '48', '--frames', '2'], 'x.png', 'spikes.dat'),
    'play blur': (
        *(['data', 'play', 'spikes.dat', '--height', '32', '--width', '48', '--frames', '2', '--blur', 'photo.png'],),
        *('x.png', 'photo.png'),
    ),
    'inspect': (['data', 'inspect', 'spikes.dat', '--height', '32', '--width', '48'], 'x.png', 'spikes.dat'),
    'inspect blur': (
        *(['data', 'inspect', 'spikes.dat', '--height', '32', '--width', '48', '--blur', 'photo.png'],),
        *('x.png', 'photo.png'),
    ),
    'pack': (['weights', 'pack', 'bare.pth', '-opt', 'ldn.yml'], 'x.pth', 'bare.pth'),
    'export': (['export', '--weights', 'ldn.pt'], 'x.pt', 'ldn.pt'),
    'deblur': (['deblur', 'photo.png', 'spikes.dat', '--method', 'light', '--frames', '1'], 'x.png', 'photo.png'),
}


@pytest.fixture
def folder(tiny_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    source = open_split(tiny_set / 'test')
    key = source.keys[0]
    blur, spikes = source.blur(key), source.spikes(key)[20:117]
    height, width = (4 * 32, 4 * 48)
    cv2.imwrite('photo.png', cv2.resize(blur, (width, height))[:, :, ::-1])
    rows = np.arange(32) * spikes.shape[1] // 32
    columns = np.arange(48) * spikes.shape[2] // 48
    write_vidar(tmp_path / 'spikes.dat', spikes[:, rows][:, :, columns].astype(bool))
    torch.manual_seed(0)
    network = LDN(num_feat=4, reduction=4, starts_from_blur=True)
    torch.save({'params': network.state_dict()}, 'bare.pth')
    save_weights(tmp_path / 'ldn.pt', network.state_dict(), Card(SECTION))
    Path('ldn.yml').write_text('network_g: {type: LDN, num_feat: 4, reduction: 4}\n')
    return tmp_path


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize('name', COMMANDS)
def test_what_is_there_stays(name: str, folder: Path, capsys: pytest.CaptureFixture[str]):
    words, output, source = COMMANDS[name]
    assert main([*words, '-o', output]) == 0, capsys.readouterr().err
    made = (folder / output).read_bytes()
    (folder / output).write_text('notes')
    before = hashes(folder)
    assert main([*words, '-o', output]) == 1
    assert f'{output} exists; replace it with --overwrite' in capsys.readouterr().err
    assert hashes(folder) == before
    assert main([*words, '-o', output, '--overwrite']) == 0
    assert (folder / output).read_bytes()[:4] == made[:4]
    before = hashes(folder)
    linked = folder / f'link{Path(output).suffix}'
    linked.symlink_to(folder / source)
    for target in (source, str(folder / source), f'./{source}', linked.name):
        if Path(target).suffix == Path(output).suffix:
            assert main([*words, '-o', target, '--overwrite']) == 1
            assert 'this command reads it' in capsys.readouterr().err
    assert hashes(folder) | {linked.name: ''} == before | {linked.name: ''}
    (folder / f'd{Path(output).suffix}').mkdir()
    if name != 'deblur':  # which takes it as a folder of results
        assert main([*words, '-o', f'd{Path(output).suffix}', '--overwrite']) == 1
        assert 'is a folder' in capsys.readouterr().err


FOLDERS = {  # commands that make data sets, and what they read
    'simulate': (['data', 'simulate', 'clips'], 'clips'),
    'simulate video': (['data', 'simulate', 'clips/a.mp4'], 'clips'),
    'import': (['data', 'import', 'folder', 'mine/photos', 'mine/spikes'], 'mine'),
    'import spikes': (['data', 'import', 'folder', 'mine/photos', 'mine/spikes'], 'mine/spikes'),
    'import gopro': (['data', 'import', 'gopro', 'mine'], 'mine'),
    'import rsb': (['data', 'import', 'rsb', 'mine'], 'mine'),
    'merge': (['data', 'merge', 'parts/1', 'parts/2'], 'parts/1'),
    'merge above': (['data', 'merge', 'parts/1', 'parts/2'], 'parts'),
    'sample': (['data', 'sample', '--photos', 'mine/photos'], 'mine/photos'),
}


@pytest.mark.parametrize('name', FOLDERS)
def test_a_data_set_is_not_made_where_it_comes_from(name, folder, tiny_set, capsys):
    for path in ('clips/a.mp4', 'mine/photos/a.png', 'mine/spikes/a.dat', 'mine/dataset.json'):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text('years of work')
    for part in '12':
        shutil.copytree(tiny_set, folder / 'parts' / part)
    words, output = FOLDERS[name]
    before = hashes(folder)
    for more in ((), ('--overwrite',)):
        assert main([*words, '-o', output, *more]) == 1
        assert 'so it cannot write there' in capsys.readouterr().err
    assert hashes(folder) == before


def test_frames_do_not_replace_a_photo_or_a_users_picture(folder: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copy('photo.png', '000.png')
    words = ['deblur', '000.png', 'spikes.dat', '--method', 'light', '--frames', '2', '-o', '.']
    before = hashes(folder)
    for more in ((), ('--overwrite',)):
        assert main([*words, *more]) == 1
        assert '000.png: this command reads it' in capsys.readouterr().err.replace('./', '')
    (folder / 'out').mkdir()
    shutil.copy('photo.png', 'out/001.png')
    before = hashes(folder)
    words = ['deblur', 'photo.png', 'spikes.dat', '--method', 'light', '--frames', '2', '-o', 'out']
    assert main(words) == 1
    assert 'out/001.png exists, and no earlier run made it' in capsys.readouterr().err
    assert hashes(folder) == before
    assert main([*words, '--overwrite']) == 0
    assert main(words) == 0  # its own results are done already
