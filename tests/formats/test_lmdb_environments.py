"""Environments whose files are gone do not stand in the way of new ones that got their numbers on the disk."""

import shutil

import lmdb
import pytest

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.lmdb_environments import OpenEnvironments


def make(path):
    with lmdb.open(str(path), map_size=2**20) as environment, environment.begin(write=True) as transaction:
        transaction.put(b'a', path.name.encode())
    return path, (path / 'data.mdb').stat().st_ino


def read(environment):
    with environment.begin() as transaction:
        return bytes(transaction.get(b'a'))


def test_a_deleted_file_does_not_stand_in_the_way(tmp_path):
    """The data file of the new environment has the number of the old one's lock file: here the same file."""
    environments = OpenEnvironments()
    old, inode = make(tmp_path / 'old')
    assert read(environments.get(old, inode)) == b'old'
    new, _ = make(tmp_path / 'new')
    shutil.copyfile(new / 'data.mdb', old / 'lock.mdb')  # keeps its number
    (old / 'lock.mdb').replace(new / 'data.mdb')
    (new / 'lock.mdb').unlink()
    shutil.rmtree(old)
    assert read(environments.get(new, (new / 'data.mdb').stat().st_ino)) == b'new'


def test_a_file_that_is_open_stays_so_and_is_said(tmp_path):
    environments = OpenEnvironments()
    path, inode = make(tmp_path / 'a')
    with lmdb.open(str(path), readonly=True), pytest.raises(SpikeDataError, match='close other readers of it'):
        environments.get(path, inode)
    assert read(environments.get(path, inode)) == b'a'
