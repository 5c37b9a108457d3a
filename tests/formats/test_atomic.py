import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spikereveal_plugin.formats import atomic
from spikereveal_plugin.formats.atomic import part_of, remove_torn, write_atomically

WAYS = {'unnamed': atomic._UNNAMED, 'beside': 0}


@pytest.fixture(params=WAYS.values(), ids=WAYS, autouse=True)
def way(request, monkeypatch):
    """File systems with files that have no name, and without."""
    if request.param == 0 and not atomic._UNNAMED:
        pytest.skip('one way only')
    monkeypatch.setattr(atomic, '_UNNAMED', request.param)
    return request.param


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


def test_the_mode_is_that_of_any_new_file(tmp_path):
    (tmp_path / 'usual').write_bytes(b'')
    write_atomically(tmp_path / 'a.bin', b'x')
    write_atomically(tmp_path / 'a.bin', b'y')
    assert (tmp_path / 'a.bin').stat().st_mode == (tmp_path / 'usual').stat().st_mode


def test_an_error_names_the_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match=r"No space left on device: '.*a\.bin'"):
        write_atomically(tmp_path / 'a.bin', b'x')
    assert not list(tmp_path.iterdir())


def test_what_a_kill_left_is_removed_and_what_is_being_written_is_not(tmp_path, way):
    path = tmp_path / 'a[1].bin'
    dead = subprocess.Popen([sys.executable, '-c', ''])
    dead.wait()
    torn = tmp_path / f'.a[1].bin.{dead.pid}.part'
    alive, other = tmp_path / f'.a[1].bin.{os.getppid()}.part', tmp_path / '.b.bin.1.part'
    for file in (torn, alive, other):
        file.write_bytes(b'')
    remove_torn(path)
    assert {file.name for file in tmp_path.iterdir()} == {alive.name, other.name}
    part_of(path).write_bytes(b'of an earlier process of this number')
    write_atomically(path, b'x')
    write_atomically(path, b'y')
    assert path.read_bytes() == b'y'
    assert {file.name for file in tmp_path.iterdir()} == {alive.name, other.name, path.name}


KILLED = """
import os, signal, sys
from pathlib import Path
from spikereveal_plugin.formats import atomic
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
atomic.write_atomically(Path(sys.argv[1]), b'x' * 100000)
"""


def test_a_kill_leaves_nothing(tmp_path, way):
    if way == 0:
        pytest.skip('there, what it leaves is removed by the next who writes the file')
    for before in (b'', b'old'):
        if before:
            (tmp_path / 'a.bin').write_bytes(before)
        assert subprocess.run([sys.executable, '-c', KILLED, tmp_path / 'a.bin'], check=False).returncode == -9
        assert [file.read_bytes() for file in tmp_path.iterdir()] == ([before] if before else [])
    assert Path(tmp_path / 'a.bin').read_bytes() == b'old'
