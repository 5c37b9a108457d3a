import os
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.lmdb_store import LmdbEntry, LmdbReader, LmdbWriter

RECORDS = {'seq/000019': b'nineteen', 'seq/000032': b'', 'other': bytes(range(256))}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'a.lmdb'
    with LmdbWriter(path) as writer:
        for key, payload in RECORDS.items():
            writer.put(f'{key}.bin', (1, len(payload), 3), payload, 'a note' if payload else '')
    return path


def read(reader, key):
    with reader.open(key) as raw:
        assert isinstance(raw, memoryview)
        return bytes(raw)


def test_round_trip(path):
    reader = LmdbReader(path)
    assert reader.keys == tuple(RECORDS)
    assert {key: read(reader, key) for key in reader.keys} == RECORDS
    assert reader.entries['other'] == LmdbEntry('bin', (1, 256, 3), 'a note')
    assert reader.entries['seq/000032'] == LmdbEntry('bin', (1, 0, 3), '')


def test_the_folder_is_what_basicsr_expects(path):
    assert sorted(file.name for file in path.iterdir()) == ['data.mdb', 'lock.mdb', 'meta_info.txt']
    assert (path / 'meta_info.txt').read_text().splitlines() == [
        'seq/000019.bin (1,8,3) a note',
        'seq/000032.bin (1,0,3)',
        'other.bin (1,256,3) a note',
    ]
    environment = lmdb.open(str(path), readonly=True, lock=False)
    with environment.begin() as transaction:
        assert dict(transaction.cursor()) == {key.encode(): payload for key, payload in RECORDS.items()}
    environment.close()


def test_the_map_grows(tmp_path):
    payloads = {f'k{index}': bytes([index]) * (index * 100_000) for index in range(1, 12)}
    with LmdbWriter(tmp_path / 'a.lmdb', map_size=2**16) as writer:
        for key, payload in payloads.items():
            writer.put(f'{key}.bin', (1,), payload)
    reader = LmdbReader(tmp_path / 'a.lmdb')
    assert {key: read(reader, key) for key in reader.keys} == payloads


def test_a_reader_holds_no_handle(path):
    reader = LmdbReader(path)
    read(reader, 'other')
    copy = pickle.loads(pickle.dumps(reader))
    assert read(copy, 'other') == RECORDS['other']


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system cannot fork')
def test_a_forked_child_opens_its_own(path):
    reader = LmdbReader(path)
    read(reader, 'other')
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if all(read(reader, key) == payload for key, payload in RECORDS.items()) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert read(reader, 'other') == RECORDS['other']


def test_threads_share_one_environment(path):
    reader = LmdbReader(path)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: read(reader, 'other'), range(64))) == [RECORDS['other']] * 64


def test_a_folder_built_anew_is_read_anew(path):
    read(LmdbReader(path), 'other')
    shutil.rmtree(path)
    with LmdbWriter(path) as writer:
        writer.put('other.bin', (3,), b'new')
    assert read(LmdbReader(path), 'other') == b'new'


def test_an_unknown_key_is_refused_with_the_nearest(path):
    with pytest.raises(
        SpikeDataError, match=r"a\.lmdb has no key 'seq/00019' \(it holds 3; the nearest is 'seq/000019'"
    ):
        read(LmdbReader(path), 'seq/00019')


def test_a_key_that_only_the_list_holds_is_refused(path):
    with (path / 'meta_info.txt').open('a') as file:
        file.write('ghost.bin (1,2,3)\n')
    with pytest.raises(SpikeDataError, match="meta_info.txt lists 'ghost' but data.mdb lacks it"):
        read(LmdbReader(path), 'ghost')


def test_absent_folders_and_files_are_refused(path):
    with pytest.raises(SpikeDataError, match=r'b\.lmdb is no folder, so it lacks data\.mdb'):
        LmdbReader(path.with_name('b.lmdb'))
    (path / 'meta_info.txt').unlink()
    with pytest.raises(SpikeDataError, match=r'a\.lmdb lacks meta_info\.txt; give the path of a complete LMDB folder'):
        LmdbReader(path)


@pytest.mark.parametrize('line', ['no extension (1,2)', 'a.bin', 'a.bin (1,x)', 'a.bin(1,2)', ''])
def test_lines_of_another_form_are_refused(path, line):
    (path / 'meta_info.txt').write_text(f'other.bin (1,2)\n{line}\n')
    with pytest.raises(SpikeDataError, match=r'meta_info\.txt, line 2: expected `key\.ext \(a,b,c\) note`'):
        LmdbReader(path)


def test_a_key_listed_twice_is_refused(path):
    (path / 'meta_info.txt').write_text('a.bin (1,2)\na.png (1,2)\n')
    with pytest.raises(SpikeDataError, match="line 2: the key 'a' is listed twice"):
        LmdbReader(path)


def test_damaged_data_is_refused(path):
    (path / 'data.mdb').write_bytes(b'nothing of LMDB' * 1000)
    with pytest.raises(SpikeDataError, match=r'a\.lmdb: LMDB cannot open it'):
        read(LmdbReader(path), 'other')


@pytest.mark.parametrize(
    'name', ['noextension', 'two.dots.bin', '.bin', 'a\nb.bin', 'x' * 512 + '.bin', 'ä' * 256 + '.bin', 'a.b c']
)
def test_names_that_basicsr_could_not_read_are_refused(tmp_path, name):
    with (
        pytest.raises(SpikeDataError, match=r'cannot name a record: it must be `key\.ext`, printable'),
        LmdbWriter(tmp_path / 'a.lmdb') as writer,
    ):
        writer.put(name, (1,), b'x')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('key', ['käse', '夜景/第一', 'Ночь/1', 'x' * 511, 'ä' * 255])
def test_names_of_any_script_are_kept(tmp_path, key):
    with LmdbWriter(tmp_path / 'a.lmdb') as writer:
        writer.put(f'{key}.bin', (1,), b'x')
    reader = LmdbReader(tmp_path / 'a.lmdb')
    assert reader.keys == reader.stored_keys() == (key,)
    assert read(reader, key) == b'x'


def test_a_duplicate_is_refused(tmp_path):
    with LmdbWriter(tmp_path / 'a.lmdb') as writer:
        writer.put('a.bin', (1,), b'x')
        with pytest.raises(SpikeDataError, match="the key 'a' was written already"):
            writer.put('a.png', (1,), b'y')
    assert read(LmdbReader(tmp_path / 'a.lmdb'), 'a') == b'x'


def test_an_error_leaves_nothing_behind(tmp_path):
    writer = LmdbWriter(tmp_path / 'a.lmdb').__enter__()
    writer.put('a.bin', (1,), b'x')
    assert [file.name for file in tmp_path.iterdir()] == ['a.lmdb.partial']
    writer.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_lmdb_is_refused(tmp_path):
    with pytest.raises(SpikeDataError, match='no record was written'), LmdbWriter(tmp_path / 'a.lmdb'):
        pass
    assert list(tmp_path.iterdir()) == []


def test_existing_folders_are_refused(path):
    with pytest.raises(SpikeDataError, match=r'a\.lmdb exists already; delete it or choose another path'):
        LmdbWriter(path)
    path.with_name('b.lmdb.partial').mkdir()
    with pytest.raises(SpikeDataError, match=r'b\.lmdb\.partial exists already; no run uses it\? Delete it'):
        LmdbWriter(path.with_name('b.lmdb'))


def test_a_folder_of_another_name_is_refused(tmp_path):
    with pytest.raises(SpikeDataError, match=r'must end in \.lmdb'):
        LmdbWriter(tmp_path / 'a')


def test_a_folder_that_appears_meanwhile_is_kept(tmp_path):
    writer = LmdbWriter(tmp_path / 'a.lmdb').__enter__()
    writer.put('a.bin', (1,), b'x')
    (tmp_path / 'a.lmdb').mkdir()
    with pytest.raises(SpikeDataError, match='created by someone else'):
        writer.__exit__(None, None, None)
    assert [file.name for file in tmp_path.iterdir()] == ['a.lmdb']


def test_putting_outside_the_block_is_refused(tmp_path):
    with pytest.raises(RuntimeError, match=r'put\(\) works inside'):
        LmdbWriter(tmp_path / 'a.lmdb').put('a.bin', (1,), b'x')


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text('abc/ _-(),0', min_size=1, max_size=9), st.binary(max_size=99), min_size=1, max_size=5))
def test_any_records_come_back(tmp_path_factory, records):
    path = tmp_path_factory.mktemp('store') / 'a.lmdb'
    with LmdbWriter(path, map_size=2**14) as writer:
        for key, payload in records.items():
            writer.put(f'{key}.bin', (len(payload),), payload, 'note (1,2)')
    reader = LmdbReader(path)
    assert {key: read(reader, key) for key in reader.keys} == records
    assert [entry.shape for entry in reader.entries.values()] == [(len(payload),) for payload in records.values()]
