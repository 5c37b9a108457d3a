"""Killed at any call that changes the disk, a command given again ends as if nothing had happened."""

import shutil
from pathlib import Path

import pytest

COMMANDS = {  # what a second run of it must leave
    'sample': ['spikereveal', 'data', 'sample', '--train', '2', '--test', '1', '--size', '64', '96', '-o', 'a'],
    'replace': ['spikereveal', 'data', 'sample', '--train', '2', '--test', '1', '--size', '64', '96', '-o', 'a',
                '--overwrite'],
    'import': ['spikereveal', 'data', 'import', 'folder', 'IN/photo.png', 'IN/spikes.npz', '-o', 'a'],
    'deblur': ['spikereveal', 'deblur', 'IN/photos', 'IN/streams', '--method', 'light', '--frames', '3', '-o', 'a'],
    'deblur videos': ['spikereveal', 'deblur', 'IN/photos', 'IN/streams', '--method', 'light', '--frames', '3',
                      '--format', 'mp4', '-o', 'a'],
    'deblur file': ['spikereveal', 'deblur', 'IN/photo.png', 'IN/spikes.npz', '--method', 'light', '-o', 'a.mp4'],
    'compare': ['spikereveal', 'compare', '-opt', 'IN/compare.yml', '-o', 'a'],
    'play': ['spikereveal', 'data', 'play', 'IN/spikes.npz', '--frames', '4', '-o', 'a.gif'],
    'inspect': ['spikereveal', 'data', 'inspect', 'IN/spikes.npz', '-o', 'a.png'],
    'pack': ['spikereveal', 'weights', 'pack', 'IN/bare.pth', '-opt', 'IN/ldn.yml', '-o', 'a.pth'],
    'options': ['spikereveal', 'options', 'copy', 'ldn_gopro', '-o', 'a.yml'],
}  # fmt: skip
MINE = {'mine.txt': 'years of work', 'a.partial.txt': 'mine too', '.a.1.part': 'and mine'}
TIMED = ('a/compare.html', 'a/compare.json', 'a/compare.csv', 'a/compare.md', 'a/compare.tex', 'a/scores/written.json')


@pytest.fixture(scope='module')
def ready(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inputs, and two pairs in folders."""
    folder = tmp_path_factory.mktemp('kill_inputs')
    shutil.copytree(inputs, folder, dirs_exist_ok=True)
    for name in 'xy':
        (folder / 'streams').mkdir(exist_ok=True)
        shutil.copy(inputs / 'photo.png', folder / f'photos/{name}.png')
        shutil.copy(inputs / 'spikes.npz', folder / f'streams/{name}.npz')
    (folder / 'photos/photo.png').unlink()
    return folder


def attack(name, shell, ready, hashed, folder: Path, count: int) -> list[str]:
    words = [word.replace('IN/', f'{ready}/') for word in COMMANDS[name]]
    whole = folder / 'whole'
    begin(whole, name, shell, words)
    answer = shell(whole, *words)
    assert answer.code == 0, answer.err
    reference = stable(hashed(whole))
    failed, calls = [], changes(name, shell, words, folder / 'counted')
    for number in range(count):
        here = folder / f'killed{number}'
        begin(here, name, shell, words)
        at = 1 + number * calls // count
        first = shell(here, *words, kill_after=at)
        again = shell(here, *words)
        if first.code not in (-9, 0):
            failed.append(f'{name} at {at}: ended with {first.code}: {first.err[-300:]}')
        elif again.fault or (again.code and '--overwrite' not in again.err):
            failed.append(f'{name} at {at}: the second run: {again.fault or again.err[-300:]}')
        elif stable(hashed(here)) != reference:
            other = stable(hashed(here))
            different = sorted(key for key in {*reference, *other} if reference.get(key) != other.get(key))
            failed.append(f'{name} at {at}: {different[:6]}')
    return failed


def begin(folder: Path, name: str, shell, words: list[str]) -> None:
    """A folder with files of the user's own; for `replace`, with a data set that holds some too."""
    folder.mkdir()
    for file, text in MINE.items():
        (folder / file).write_text(text)
    if name == 'replace':
        assert shell(folder, *words, '--seed', '1').code == 0
        (folder / 'a/mine.txt').write_text('years of work')


def changes(name: str, shell, words: list[str], folder: Path) -> int:
    """How many calls that change the disk, or open a file, the command makes."""
    begin(folder, name, shell, words)
    low, high = 1, 2
    while shell(folder, *words, kill_after=high).code == -9:
        low, high = high, 2 * high
        shutil.rmtree(folder)
        begin(folder, name, shell, words)
    return max(high // 2, low)


def stable(found: dict[str, str]) -> dict[str, str]:
    """Without what holds times."""
    return {path: digest for path, digest in found.items() if path not in TIMED and not path.startswith('a/costs')}


@pytest.mark.parametrize('name', COMMANDS)
def test_kills(name, shell, ready, hashed, tmp_path, tally):
    tally('kills', attack(name, shell, ready, hashed, tmp_path, 2), 2)


@pytest.mark.attack
@pytest.mark.parametrize('name', COMMANDS)
def test_many_kills(name, shell, ready, hashed, tmp_path, tally):
    tally('kills', attack(name, shell, ready, hashed, tmp_path, 25), 25)
