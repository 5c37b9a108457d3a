"""Damaged files: a named error or, where no redundancy can show it, the data that the bytes say; nothing else."""

import json
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from spikereveal_plugin.building.sensor_maps import load_pattern
from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb, SpikeLmdbWriter
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.inspecting.guess_layout import guess_layout
from spikereveal_plugin.recordings.calibration import Calibration, load_calibration, save_calibration
from spikereveal_plugin.recordings.manifest import read_manifest
from spikereveal_plugin.recordings.spike_file import SpikeLayout, load_spikes

SPIKES = np.random.default_rng(0).random((6, 10, 13)) < 0.4
ROUNDS = 150


def damaged(raw, generator):
    """Cut, lengthen, or change some bytes."""
    kind = generator.integers(4)
    if kind == 0:
        return raw[: generator.integers(len(raw))]
    if kind == 1:
        return raw + generator.bytes(int(generator.integers(1, 300)))
    changed = bytearray(raw)
    for _ in range(int(generator.integers(1, 9))):
        # Headers are short and matter most.
        place = int(generator.integers(min(len(raw), 200) if kind == 2 else len(raw)))
        changed[place] ^= 1 << int(generator.integers(8))
    return bytes(changed)


def attempt(read):
    """Return what was read and '', or nothing and the named error's text; any other error is the test's failure."""
    try:
        return read(), ''
    except SpikeRevealError as error:
        return None, str(error)


def write_spikes(name):
    def write(path):
        if name == 'dat':
            write_vidar(path, SPIKES)
        elif name == 'npy':
            np.save(path, SPIKES)
        else:
            (np.savez_compressed if name == 'npz-compressed' else np.savez)(path, spk=SPIKES)

    return write


def write_maps(path):
    np.savez(path, response=np.ones((4, 5)), dark=np.zeros((4, 5)))


def write_calibration(path):
    save_calibration(path, Calibration(((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)), (40, 52), (10, 13), 0, 6, 0.0))


def write_config(path):
    path.write_text('filename: a\nspike_w: 13\nspike_h: 10\nis_labeled: false\n')
    write_vidar(path.with_name('a.dat'), SPIKES)


READERS = {
    'dat': ('a.dat', write_spikes('dat'), lambda p: load_spikes(p, SpikeLayout(10, 13))),
    'npy': ('a.npy', write_spikes('npy'), load_spikes),
    'npz': ('a.npz', write_spikes('npz'), load_spikes),
    'npz-compressed': ('a.npz', write_spikes('npz-compressed'), load_spikes),
    'maps': ('m.npz', write_maps, load_pattern),
    'calibration': ('c.json', write_calibration, load_calibration),
    'config': ('config.yaml', write_config, lambda p: load_spikes(p.with_name('a.dat'))),
    'guess': ('a.dat', lambda p: p.write_bytes(np.random.default_rng(1).bytes(2000)), guess_layout),
}


@pytest.mark.parametrize('name', READERS)
def test_damaged_files(tmp_path, name):
    file, write, read = READERS[name]
    path, generator = tmp_path / file, np.random.default_rng(7)
    write(path)
    raw, refused = path.read_bytes(), 0
    read(path)
    for _ in range(ROUNDS if name != 'guess' else 10):
        path.write_bytes(damaged(raw, generator))
        found, error = attempt(partial(read, path))
        if error:
            assert str(path.parent) in error
            refused += 1
        elif name.startswith('npz'):  # a zip has checksums: whatever is read is what was written
            np.testing.assert_array_equal(found, SPIKES)
        elif isinstance(found, np.ndarray):
            assert found.dtype == np.bool_
            assert found.ndim == 3
    assert refused or name == 'guess'


def lmdb_readers(root):
    spikes = SpikeLmdb(root)
    return [spikes.read(key) for key in spikes.keys]


@pytest.mark.parametrize('file', ['meta_info.txt'])
def test_damaged_lmdb_descriptions(tmp_path, file):
    with SpikeLmdbWriter(tmp_path / 'whole.lmdb') as writer:
        writer.put('a/0', SPIKES, 1, 4)
        writer.put('a/1', ~SPIKES, 1, 4)
    generator, refused = np.random.default_rng(3), 0
    for turn in range(60):
        root = tmp_path / f'{turn}.lmdb'
        shutil.copytree(tmp_path / 'whole.lmdb', root)
        (root / file).write_bytes(damaged((root / file).read_bytes(), generator))
        found, error = attempt(partial(lmdb_readers, root))
        refused += bool(error)
        assert not error or str(tmp_path) in error or 'spike record' in error
        assert error or all(set(np.unique(array)) <= {0, 1} for array in found)
    assert refused > 20


FLIPS = """
import sys
from pathlib import Path
import numpy as np
from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb

root, refused = Path(sys.argv[1]), 0
raw, generator = (root / 'whole.lmdb/data.mdb').read_bytes(), np.random.default_rng(0)
for turn in range(150):
    changed = bytearray(raw)
    for place in generator.integers(len(raw), size=12):
        changed[place] ^= 1 << int(generator.integers(8))
    folder = root / f'{turn}.lmdb'
    folder.mkdir()
    (folder / 'meta_info.txt').write_bytes((root / 'whole.lmdb/meta_info.txt').read_bytes())
    (folder / 'data.mdb').write_bytes(bytes(changed))
    try:
        spikes = SpikeLmdb(folder)
        for key in spikes.keys:
            assert spikes.read(key).shape == (6, 10, 13)
    except SpikeRevealError:
        refused += 1
print(refused)
"""


def test_flipped_bits_of_an_lmdb_end_no_process(tmp_path):
    """Flips in a record's own bytes are valid spikes: `spikereveal data verify` finds those by their checksums."""
    with SpikeLmdbWriter(tmp_path / 'whole.lmdb') as writer:
        writer.put('a/0', SPIKES, 1, 4)
        writer.put('a/1', ~SPIKES, 1, 4)
    done = subprocess.run([sys.executable, '-c', FLIPS, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


@pytest.mark.parametrize('size', [0, 1, 100, 4096, 5000])
def test_a_cut_lmdb_is_refused(tmp_path, size):
    root = tmp_path / 'a.lmdb'
    with SpikeLmdbWriter(root) as writer:
        writer.put('a/0', SPIKES, 1, 4)
    raw = (root / 'data.mdb').read_bytes()
    (root / 'data.mdb').write_bytes(raw[:size])
    with pytest.raises(SpikeRevealError, match=r'a\.lmdb'):
        lmdb_readers(root)


def test_damaged_manifests(tmp_path):
    path, generator = tmp_path / 'dataset.json', np.random.default_rng(5)
    raw = json.dumps({'format': 1, 'source': 'x', 'splits': {'train': {'samples': 1}}}).encode()
    for _ in range(ROUNDS):
        path.write_bytes(damaged(raw, generator))
        found, error = attempt(partial(read_manifest, tmp_path))
        assert 'dataset.json' in error if error else found['format'] == 1


@pytest.mark.parametrize(('header', 'height', 'width'), [(0, 11, 13), (3, 10, 13), (0, 9, 13), (10**9, 10, 13)])
def test_wrong_sizes_are_refused(tmp_path, header, height, width):
    write_vidar(tmp_path / 'a.dat', SPIKES)
    read = partial(load_spikes, tmp_path / 'a.dat', SpikeLayout(height, width, header=header))
    with pytest.raises(SpikeRevealError, match=r'a\.dat: \d+ bytes are not a whole number of \d+x13 readouts'):
        read()
