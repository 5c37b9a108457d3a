from pathlib import Path

import lmdb
import pytest

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.growing_lmdb import GrowingLmdb
from spikereveal_plugin.formats.lmdb_store import LmdbReader


def put(path: Path, **records: bytes) -> None:
    with GrowingLmdb(path) as writer:
        for key, payload in records.items():
            writer.put(f'{key}.bin', (len(payload),), payload, 'note')


def read(path: Path) -> dict[str, bytes]:
    reader = LmdbReader(path)
    found = {}
    for key in reader.keys:
        with reader.open(key) as raw:
            found[key] = bytes(raw)
    return found


def test_it_grows_over_several_openings(tmp_path: Path):
    path = tmp_path / 'a.lmdb'
    put(path, a=b'1')
    put(path, b=b'22', c=b'')
    assert (path / 'meta_info.txt').read_text() == 'a.bin (1) note\nb.bin (2) note\nc.bin (0) note\n'
    with lmdb.open(str(path), readonly=True, lock=False) as env, env.begin() as transaction:
        assert dict(transaction.cursor()) == {b'a': b'1', b'b': b'22', b'c': b''}


def test_the_map_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr('spikereveal_plugin.formats.growing_lmdb.FIRST_MAP_SIZE', 2**15)
    payloads = {f'k{i}': bytes([i]) * 2**14 for i in range(6)}
    put(tmp_path / 'a.lmdb', **payloads)
    assert read(tmp_path / 'a.lmdb') == payloads


@pytest.mark.parametrize('torn', ['b.bin (', 'b.bin (1) not'])
def test_what_a_kill_left_of_a_line_is_written_again(tmp_path: Path, torn: str):
    path = tmp_path / 'a.lmdb'
    put(path, a=b'1')
    with (path / 'meta_info.txt').open('a') as file:
        file.write(torn)
    put(path, b=b'2')
    assert read(path) == {'a': b'1', 'b': b'2'}


def test_a_second_writer_waits_outside(tmp_path: Path):
    path = tmp_path / 'a.lmdb'
    with GrowingLmdb(path) as writer:
        writer.put('a.bin', (1,), b'1')
        with pytest.raises(SpikeDataError, match='another process is adding to it'), GrowingLmdb(path):
            pass
        writer.put('b.bin', (1,), b'2')
    assert read(path) == {'a': b'1', 'b': b'2'}


@pytest.mark.parametrize('name', ['a', 'ä\n.bin', 'a.b.c', 'k' * 600 + '.bin'])
def test_a_bad_name_is_refused(tmp_path: Path, name: str):
    with GrowingLmdb(tmp_path / 'a.lmdb') as writer, pytest.raises(SpikeDataError, match='cannot name a record'):
        writer.put(name, (1,), b'1')


def test_a_file_in_its_place_is_named(tmp_path: Path):
    (tmp_path / 'a.lmdb').write_bytes(b'')
    with pytest.raises(SpikeDataError, match=r'a\.lmdb: cannot be written'), GrowingLmdb(tmp_path / 'a.lmdb'):
        pass


def test_only_what_was_flushed_outlives_a_kill(tmp_path: Path):
    path = tmp_path / 'a.lmdb'
    with GrowingLmdb(path) as writer:
        writer.put('a.bin', (1,), b'1')  # the first is flushed at once
        writer.put('b.bin', (1,), b'2')
        assert list(LmdbReader(path).keys) == ['a']
    assert read(path) == {'a': b'1', 'b': b'2'}
