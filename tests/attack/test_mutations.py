"""Valid files with a few bytes changed, cut or added: read as they are, or refused in one line; never a crash."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from spikereveal_plugin.building.sample_photographs import SampleOptions, sample_photographs
from spikereveal_plugin.cli.spikereveal import main

TAGS = ('flip', 'cut', 'grow', 'zero', 'swap', 'twice')
READERS = {  # a file that is mutated, and a command that reads it
    'photo': ('photo.png', ['spikereveal', 'deblur', 'BAD', 'IN/spikes.npz', '--method', 'light', '--at', '0.5']),
    'jpeg': ('photo.jpg', ['spikereveal', 'deblur', 'BAD', 'IN/spikes.npz', '--method', 'light', '--at', '0.5']),
    'tiff': ('photo.tif', ['spikereveal', 'deblur', 'BAD', 'IN/spikes.npz', '--method', 'light', '--at', '0.5']),
    'dat': ('spikes.dat', ['spikereveal', 'deblur', 'IN/photo.png', 'BAD', '--method', 'light', '--at', '0.5']),
    'npy': ('spikes.npy', ['spikereveal', 'deblur', 'IN/photo.png', 'BAD', '--method', 'light', '--at', '0.5']),
    'npz': ('spikes.npz', ['spikereveal', 'deblur', 'IN/photo.png', 'BAD', '--method', 'light', '--at', '0.5']),
    'weights': ('ldn.pth', ['spikereveal', 'export', '--weights', 'BAD']),
    'bare': ('bare.pth', ['spikereveal', 'weights', 'pack', 'BAD', '-opt', 'IN/ldn.yml']),
    'options': ('ldn.yml', ['spikereveal', 'weights', 'pack', 'IN/bare.pth', '-opt', 'BAD']),
    'comparison': ('compare.yml', ['spikereveal', 'compare', '-opt', 'BAD']),
    'table': ('table.csv', ['spikereveal', 'deblur', 'IN/photos', 'IN/spikes.npz', '--table', 'BAD',
                            '--method', 'light']),
    'calibration': ('rig.json', ['spikereveal', 'data', 'import', 'folder', 'IN/photo.png', 'IN/spikes.npz',
                                 '--calibration', 'BAD']),
}  # fmt: skip
OUTPUTS = {'weights': 'out.pt', 'bare': 'out.pth', 'options': 'out.pth'}
SET_FILES = ('dataset.json', 'train/blur.lmdb/meta_info.txt', 'train/blur.lmdb/data.mdb',
             'train/spike.lmdb/meta_info.txt', 'train/spike.lmdb/data.mdb', 'test/sharp.lmdb/data.mdb')  # fmt: skip


@pytest.fixture(scope='module')
def ready(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inputs, and a calibration of them."""
    folder = tmp_path_factory.mktemp('mutated_inputs')
    shutil.copytree(inputs, folder, dirs_exist_ok=True)
    options = SampleOptions(train=2, test=1, height=256, width=384, travel=(6.0, 10.0), threshold=1.0)
    sample_photographs(folder / 'set', options)
    assert main(['data', 'play', str(folder / 'set/train'), '-o', str(folder / 'x.png')]) == 0
    rows = [[0.25, 0, -0.375], [0, 0.25, -0.375], [0, 0, 1]]
    (folder / 'rig.json').write_text(
        f'{{"homography": {rows}, "image_size": [64, 96], "sensor_size": [16, 24], "first": 20, "length": 97, '
        '"residual": 0.1, "pairs": 1}\n'
    )
    return folder


def mutations(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Yield changed contents."""
    generator = np.random.default_rng(seed)
    for number in range(count):
        data = bytearray(content)
        where = int(generator.integers(len(data)))
        span = int(generator.integers(1, 64))
        kind = TAGS[number % len(TAGS)]
        if kind == 'flip':
            for place in generator.integers(len(data), size=int(generator.integers(1, 4))):
                data[place] ^= 1 << int(generator.integers(8))
        elif kind == 'cut':
            del data[where : where + (span if number % 2 else len(data))]
        elif kind == 'grow':
            data[where:where] = generator.bytes(span)
        elif kind == 'zero':
            data[where : where + span] = bytes(len(data[where : where + span]))
        elif kind == 'swap':
            data[where : where + span] = generator.bytes(len(data[where : where + span]))
        else:
            data[where:where] = data[where : where + span]
        yield bytes(data)


def attack(name, shell, ready, folder: Path, seed: int, count: int) -> list[str]:
    file, words = READERS[name]
    failed = []
    for number, content in enumerate(mutations((ready / file).read_bytes(), seed, count)):
        here = folder / f'{number}'
        here.mkdir()
        bad = here / file
        bad.write_bytes(content)
        filled = [str(bad) if word == 'BAD' else word.replace('IN/', f'{ready}/') for word in words]
        answer = shell(here, *filled, '-o', OUTPUTS.get(name, 'out'), seconds=30, memory=14 * 2**30)
        if answer.fault:
            failed.append(f'{name} {seed}/{number}: {answer.fault}: {answer.err[-500:]}')
        shutil.rmtree(here)
    return failed


def says_the_same(changed: bytes, content: bytes) -> bool:
    """Whether both are JSON of one content, such as with another space."""
    try:
        return bool(json.loads(changed) == json.loads(content))
    except ValueError:
        return False


def attack_set(name: str, shell, ready, folder: Path, seed: int, count: int) -> list[str]:
    """Mutate a file of a data set: `verify` says so, whatever it is."""
    failed = []
    content = (ready / 'set' / name).read_bytes()
    for number, changed in enumerate(mutations(content, seed, count)):
        if changed == content or says_the_same(changed, content):
            continue
        bad = folder / f'{number}'
        shutil.copytree(ready / 'set', bad)
        (bad / name).write_bytes(changed)
        answer = shell(folder, 'spikereveal', 'data', 'verify', str(bad), seconds=30, memory=14 * 2**30)
        if answer.fault or answer.code == 0:
            failed.append(f'{name} {seed}/{number}: {answer.fault or "not noticed"}: {answer.err[-500:]}')
        shutil.rmtree(bad)
    return failed


@pytest.mark.parametrize('name', READERS)
def test_mutated_files(name, shell, ready, tmp_path, tally):
    tally('mutated files', attack(name, shell, ready, tmp_path, 1, 4), 4)


@pytest.mark.parametrize('name', SET_FILES)
def test_mutated_sets(name, shell, ready, tmp_path, tally):
    tally('mutated files', attack_set(name, shell, ready, tmp_path, 1, 2), 2)


@pytest.mark.attack
@pytest.mark.parametrize('name', READERS)
def test_many_mutated_files(name, shell, ready, tmp_path, tally):
    tally('mutated files', attack(name, shell, ready, tmp_path, 2, 140), 140)


@pytest.mark.attack
@pytest.mark.parametrize('name', SET_FILES)
def test_many_mutated_sets(name, shell, ready, tmp_path, tally):
    tally('mutated files', attack_set(name, shell, ready, tmp_path, 2, 70), 70)
