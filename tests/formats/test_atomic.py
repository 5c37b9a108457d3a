import pytest

from spikereveal_plugin.formats.atomic import write_atomically


def test_a_file_is_created_with_its_folder(tmp_path):
    write_atomically(tmp_path / 'new' / 'a.bin', b'first')
    write_atomically(tmp_path / 'new' / 'a.bin', b'second')
    assert (tmp_path / 'new' / 'a.bin').read_bytes() == b'second'
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['a.bin']


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'a.bin'
    path.write_bytes(b'old')
    with pytest.raises(TypeError, match='bytes-like'):
        write_atomically(path, 'text')
    assert path.read_bytes() == b'old'
    assert [file.name for file in tmp_path.iterdir()] == ['a.bin']
