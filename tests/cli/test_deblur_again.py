"""A folder of results that is gone on with: what changed since is made again and said, all else is left as it is."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from spikereveal_plugin.archs.ldn_arch import LDN
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.image_file import load_image, save_image
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights

NAMES = ('a', 'b')


def save_ldn(path: Path, seed: int) -> None:
    torch.manual_seed(seed)
    save_weights(path, LDN(num_feat=4).state_dict(), Card({'type': 'LDN', 'num_feat': 4}))


@pytest.fixture
def folder(tmp_path: Path, tiny_set: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pairs, weights, and their results in `out`."""
    source = open_split(tiny_set / 'test')
    for name, key in zip(NAMES, source.keys, strict=True):
        save_image(tmp_path / f'photos/{name}.png', source.blur(key))
        write_vidar(tmp_path / f'spikes/{name}.dat', source.spikes(key).astype(bool))
    save_ldn(tmp_path / 'ldn.pth', 0)
    monkeypatch.chdir(tmp_path)
    assert deblur('out') == 0
    return tmp_path


def deblur(out: str, *more: str) -> int:
    return main(['deblur', 'photos', 'spikes', '-o', out, '--weights', 'ldn.pth', '--frames', '2', *more])


def change_photo(folder: Path) -> None:
    save_image(folder / 'photos/b.png', 255 - load_image(folder / 'photos/b.png'))


def change_spikes(folder: Path) -> None:
    content = bytearray((folder / 'spikes/b.dat').read_bytes())
    content[len(content) // 2] ^= 1
    (folder / 'spikes/b.dat').write_bytes(content)


def change_weights(folder: Path) -> None:
    save_ldn(folder / 'ldn.pth', 1)


CHANGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    'photo': (change_photo, ['b']),
    'spikes': (change_spikes, ['b']),
    'weights': (change_weights, ['a', 'b']),
    'deleted': (lambda folder: (folder / 'out/b/001.png').unlink(), ['b']),
    'emptied': (lambda folder: (folder / 'out/b/001.png').write_bytes(b''), ['b']),
    'swapped': (lambda folder: (folder / 'out/b/000.png').replace(folder / 'out/b/001.png'), ['b']),
    'damaged': (lambda folder: (folder / 'out/b/001.png').write_bytes(b'\x89PNG'), ['b']),
    'nothing': (lambda folder: None, []),
}


@pytest.mark.parametrize(('change', 'again'), CHANGES.values(), ids=CHANGES)
def test_what_changed_is_made_again(change, again, folder, caplog, bytes_of):
    kept = {file: file.stat() for file in (folder / 'photos/b.png', folder / 'spikes/b.dat', folder / 'ldn.pth')}
    written = {name: (folder / f'out/{name}/000.png').stat().st_mtime_ns for name in NAMES}
    change(folder)
    for file, state in kept.items():  # clocks are not asked
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    caplog.clear()
    caplog.set_level('INFO')
    assert deblur('out', '--no-check') == 0
    assert [name for name in NAMES if f'{name} is made again' in caplog.text] == again
    for name in NAMES:
        is_same = (folder / f'out/{name}/000.png').stat().st_mtime_ns == written[name] if name not in again else True
        assert is_same, name
    assert deblur('fresh', '--no-check') == 0
    assert bytes_of(folder / 'out') == bytes_of(folder / 'fresh')


def test_a_killed_run_goes_on_and_a_users_file_stays(folder, monkeypatch, capsys):
    (folder / 'out/b/000.png').unlink()
    (folder / 'out/deblur.json').unlink()
    assert deblur('out') == 1
    assert 'out/a/000.png exists, and no earlier run made it' in capsys.readouterr().err
    (folder / 'new/b').mkdir(parents=True)
    (folder / 'new/b/001.png').write_text('mine')
    assert deblur('new') == 1
    assert (folder / 'new/b/001.png').read_text() == 'mine'
    with monkeypatch.context() as patch:
        patch.setattr('spikereveal_plugin.inference.progress_file.ProgressFile.add', lambda *_: 1 / 0)
        assert deblur('killed') == 1
    assert deblur('killed') == 0
    assert load_image(folder / 'killed/a/000.png').shape == (64, 96, 3)


def test_a_users_page_stays(folder, capsys):
    (folder / 'paged').mkdir()
    (folder / 'paged/b.html').write_text('notes')
    assert deblur('paged', '--page') == 1
    assert 'paged/b.html exists, and no earlier run made it' in capsys.readouterr().err
    assert (folder / 'paged/b.html').read_text() == 'notes'


def test_two_at_once_are_refused(folder, capsys):
    fcntl = pytest.importorskip('fcntl')
    descriptor = os.open(folder / 'out', os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert deblur('out') == 1
    assert 'another process is restoring there' in capsys.readouterr().err
    os.close(descriptor)
    assert deblur('out') == 0


def test_a_failing_run_leaves_no_empty_folder(folder):
    np.save(folder / 'spikes/a.npy', np.zeros((40, 16, 24), bool))
    (folder / 'spikes/a.dat').unlink()
    (folder / 'spikes/b.dat').unlink()
    assert deblur('fails') == 1
    assert not (folder / 'fails').exists()
