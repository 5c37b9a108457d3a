"""Full disks and limits of files: one line that names the file, and no result that is not whole."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spikereveal_plugin.cli.spikereveal import main

COMMANDS = {  # with what they leave, whole or not at all
    'play': (['spikereveal', 'data', 'play', 'IN/spikes.npz', '--frames', '6', '-o', 'OUT/a.mp4'], 'a.mp4'),
    'play gif': (['spikereveal', 'data', 'play', 'IN/spikes.npz', '--frames', '6', '-o', 'OUT/a.gif'], 'a.gif'),
    'play sheet': (['spikereveal', 'data', 'play', 'IN/spikes.npz', '-o', 'OUT/a.png'], 'a.png'),
    'inspect': (['spikereveal', 'data', 'inspect', 'IN/spikes.npz', '-o', 'OUT/a.png'], 'a.png'),
    'deblur': (
        ['spikereveal', 'deblur', 'IN/photo.png', 'IN/spikes.npz', '--method', 'light', '--page', '-o', 'OUT/a'],
        'a/006.png',
    ),
    'deblur video': (
        ['spikereveal', 'deblur', 'IN/photo.png', 'IN/spikes.npz', '--method', 'light', '-o', 'OUT/a.mp4'],
        'a.mp4',
    ),
    'sample': (
        ['spikereveal', 'data', 'sample', '--train', '2', '--test', '1', '--size', '64', '96', '-o', 'OUT/a'],
        'a/dataset.json',
    ),
    'import': (
        ['spikereveal', 'data', 'import', 'folder', 'IN/photo.png', 'IN/spikes.npz', '-o', 'OUT/a'],
        'a/dataset.json',
    ),
    'merge': (['spikereveal', 'data', 'merge', 'IN/1', 'IN/2', '-o', 'OUT/a'], 'a/dataset.json'),
    'pack': (['spikereveal', 'weights', 'pack', 'IN/bare.pth', '-opt', 'IN/ldn.yml', '-o', 'OUT/a.pth'], 'a.pth'),
    'export': (['spikereveal', 'export', '--weights', 'IN/ldn.pth', '-o', 'OUT/a.pt'], 'a.pt'),
    'compare': (['spikereveal', 'compare', '-opt', 'IN/compare.yml', '-o', 'OUT/a'], 'a/compare.html'),
    'options': (['spikereveal', 'options', 'copy', 'ldn_gopro', '-o', 'OUT/a.yml'], 'a.yml'),
    'inspect set': (['spikereveal', 'data', 'inspect', 'SET', '-o', 'OUT/a.png'], 'a.png'),
}
CURES = ('free some space', 'the disk is full', 'ulimit -f')


@pytest.fixture(scope='module')
def words(inputs, tiny_set, make_footage, tmp_path_factory) -> Callable[[str, Path], list[str]]:
    """A command's words, for an output folder."""
    folder = tmp_path_factory.mktemp('disk_inputs')
    shutil.copytree(inputs, folder, dirs_exist_ok=True)
    footage = make_footage({'a': 14, 'b': 14, 'c': 14}, 64)
    for part in '12':
        shard = ['--factor', '32', '--shard', f'{part}/2', '-o', str(folder / part)]
        assert main(['data', 'simulate', str(footage), *shard]) == 0

    def fill(name: str, out: Path) -> list[str]:
        places = {'IN/': f'{folder}/', 'OUT/': f'{out}/', 'SET': str(tiny_set)}
        filled = []
        for word in COMMANDS[name][0]:
            short = next((short for short in places if word.startswith(short)), '')
            filled.append(places[short] + word.removeprefix(short) if short else word)
        return filled

    return fill


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """An empty file system of so many kilobytes."""
    place = tmp_path / 'disk'
    place.mkdir()

    def mount(kilobytes: int) -> Path:
        unmount()
        done = subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', f'size={kilobytes}k', 'tmpfs', str(place)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip('only root can make a small file system here')
        return place

    def unmount() -> None:
        while os.path.ismount(place):
            subprocess.run(['umount', '-l', str(place)], check=True)

    yield mount
    unmount()


def taken(folder: Path) -> int:
    """Kilobytes of all files below a folder, as a tmpfs counts them."""
    return sum(4 * -(-path.stat().st_blocks * 512 // 4096) + 4 for path in folder.rglob('*'))


def is_whole(name: str, out: Path, reference: dict[str, str], hashed: Callable[[Path], dict[str, str]]) -> bool:
    """Whether what is there under a result's own name is what an unhindered run leaves."""
    found = hashed(out)
    result = COMMANDS[name][1]
    if result.startswith('a/') and name not in ('deblur', 'compare'):
        return not any(path.startswith('a/') for path in found) or all(
            found.get(path) == digest for path, digest in reference.items() if path.startswith('a/')
        )
    return all(reference.get(path) == digest for path, digest in found.items() if Path(path).suffix in ('.png', '.gif'))


def attack(name, shell, words, hashed, tmp_path, places, limits):
    """Run a command with each limit; returns the failures."""
    free = tmp_path / 'free'
    free.mkdir()
    answer = shell(tmp_path, *words(name, free))
    assert answer.code == 0, answer.err
    reference = hashed(free)
    failed = []
    for place, limit in zip(places(taken(free)), limits, strict=True):
        answer = shell(tmp_path, *words(name, place), **limit)
        errors = [line for line in answer.err.splitlines() if line.startswith('error: ')]
        if answer.fault:
            failed.append(f'{name} {limit}: {answer.fault}: {answer.err[-800:]}')
        elif answer.code and not any(cure in errors[0] for cure in CURES):
            failed.append(f'{name} {limit}: no cure: {errors[0]}')
        elif not is_whole(name, place, reference, hashed):
            failed.append(f'{name} {limit}: a torn result: {sorted(hashed(place))}')
    return failed


def sweep(name, count, shell, words, hashed, tmp_path, small_disk):
    def places(kilobytes):
        for step in range(count):
            yield small_disk(max(8, (kilobytes + 64) * step // count))

    return attack(name, shell, words, hashed, tmp_path, places, [{}] * count)


@pytest.mark.parametrize('name', COMMANDS)
def test_full_disks(name, shell, words, hashed, tmp_path, small_disk, tally):
    tally('disk sizes', sweep(name, 3, shell, words, hashed, tmp_path, small_disk), 3)


@pytest.mark.attack
@pytest.mark.parametrize('name', COMMANDS)
def test_many_full_disks(name, shell, words, hashed, tmp_path, small_disk, tally):
    tally('disk sizes', sweep(name, 40, shell, words, hashed, tmp_path, small_disk), 40)


@pytest.mark.parametrize('name', COMMANDS)
def test_limits_of_a_file(name, shell, words, hashed, tmp_path, tally):
    limits = [{'file_size': size} for size in (1000, 5000, 20000, 60000, 100000)]

    def places(_):
        for number in range(len(limits)):
            place = tmp_path / f'limited{number}'
            place.mkdir()
            yield place

    tally('file size limits', attack(name, shell, words, hashed, tmp_path, places, limits), len(limits))
