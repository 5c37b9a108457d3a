"""Text as editors of every kind save it, by everything that reads text: read alike, or one clear error."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spikereveal_plugin.data.spike_blur_options import listed_keys
from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb, SpikeLmdbWriter
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.inference.timing import Timing
from spikereveal_plugin.options import load_options
from spikereveal_plugin.recordings.calibration import load_calibration
from spikereveal_plugin.recordings.manifest import read_manifest
from spikereveal_plugin.recordings.spike_file import open_spikes
from spikereveal_plugin.weights.registry import list_weights

RIG = {'format': 1, 'homography': [[1, 0, 0], [0, 1, 0], [0, 0, 1]], 'image_size': [8, 8], 'sensor_size': [8, 8],
       'first': 0, 'length': 5, 'residual': 0.0, 'pairs': 1}  # fmt: skip


def spike_lmdb(folder: Path, text: bytes) -> object:
    with SpikeLmdbWriter(folder / 'spike.lmdb') as writer:
        writer.put('é', np.zeros((5, 8, 8), bool), 0, 5)
    (folder / 'spike.lmdb/meta_info.txt').write_bytes(text)
    return SpikeLmdb(folder / 'spike.lmdb').keys


def sensor(folder: Path, text: bytes) -> object:
    write_vidar(folder / 's.dat', np.zeros((5, 8, 8), bool))
    (folder / 'config.yaml').write_bytes(text)
    return open_spikes(folder / 's.dat').shape


def put(read: Callable[[Path], object], name: str) -> Callable[[Path, bytes], object]:
    """A reader of one file."""

    def reader(folder: Path, text: bytes) -> object:
        (folder / name).write_bytes(text)
        return read(folder / name)

    return reader


READERS: dict[str, tuple[str, Callable[[Path, bytes], object]]] = {
    'option file': ('name: é\ntrain:\n  total_iter: 4\n', put(load_options, 'x.yml')),
    'meta_info_file': ('a/é 1\nb\n', put(lambda path: listed_keys(path, ['b', 'a/é'], 'datasets.train'), 'meta.txt')),
    'meta_info.txt': ('é.spike (5,8,8) exposure=0+5\n', spike_lmdb),
    'calibration': (json.dumps(RIG, indent=1) + '\n', put(load_calibration, 'rig.json')),
    'table of exposures': (
        'name,first,length\né,3,9\n',
        put(lambda path: Timing(table=path).recording(['é']), 'x.csv'),
    ),
    'config.yaml': ('# é\nspike_h: 8\nspike_w: 8\n', sensor),
    'dataset.json': ('{"format": 1, "source": "é"}\n', put(lambda path: read_manifest(path.parent), 'dataset.json')),
    'registry.json': ('{"format": 1, "weights": {}}\n', put(lambda path: list_weights(path.parent), 'registry.json')),
}
ALIKE = {
    'a byte order mark': lambda text: b'\xef\xbb\xbf' + text.encode(),
    "Windows' ends of lines": lambda text: text.replace('\n', '\r\n').encode(),
    'both': lambda text: b'\xef\xbb\xbf' + text.replace('\n', '\r\n').encode(),
    'no end of the last line': lambda text: text.rstrip('\n').encode(),
}
REFUSED = {
    'UTF-16': lambda text: text.encode('utf-16'),
    'UTF-16 without a mark': lambda text: text.encode('utf-16-le'),
    'Latin-1': lambda text: text.replace('{', '{ ').encode('latin-1') if 'é' in text else b'\xe9' + text.encode(),
    'binary': lambda text: bytes(range(256)),
}


@pytest.mark.parametrize('form', ALIKE)
@pytest.mark.parametrize('reader', READERS)
def test_forms_of_utf_8_are_read_alike(reader, form, tmp_path):
    text, read = READERS[reader]
    for name in ('plain', 'other'):
        (tmp_path / name).mkdir()
    assert read(tmp_path / 'plain', text.encode()) == read(tmp_path / 'other', ALIKE[form](text))


@pytest.mark.parametrize('form', REFUSED)
@pytest.mark.parametrize('reader', READERS)
def test_other_encodings_are_one_clear_error(reader, form, tmp_path):
    text, read = READERS[reader]
    with pytest.raises(SpikeRevealError) as refusal:
        read(tmp_path, REFUSED[form](text))
    said = str(refusal.value)
    assert '\n' not in said
    assert str(tmp_path) in said
    assert 'UTF-8' in said or 'not a' in said or 'no readable' in said
