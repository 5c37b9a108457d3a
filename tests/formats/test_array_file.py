import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.array_file import load_arrays

ARRAYS = hnp.arrays(
    st.sampled_from([np.uint8, np.bool_, np.float32, np.int64]), hnp.array_shapes(min_dims=0, max_dims=4, max_side=5)
)


@settings(max_examples=40, deadline=None)
@given(array=ARRAYS, is_fortran=st.booleans(), compressed=st.booleans())
def test_numpys_files_are_read(tmp_path_factory, array, is_fortran, compressed):
    folder = tmp_path_factory.mktemp('arrays')
    array = np.asfortranarray(array) if is_fortran else array
    np.save(folder / 'a.npy', array)
    (np.savez_compressed if compressed else np.savez)(folder / 'a.npz', x=array, y=array)
    np.testing.assert_array_equal(load_arrays(folder / 'a.npy')[''], array)
    found = load_arrays(folder / 'a.npz')
    assert set(found) == {'x', 'y'}
    np.testing.assert_array_equal(found['y'], array)


def test_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / 'a.npy', np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(SpikeDataError, match='a.npy: holds Python objects'):
        load_arrays(tmp_path / 'a.npy')


def test_a_header_that_promises_more_than_is_there_allocates_nothing(tmp_path):
    np.save(tmp_path / 'a.npy', np.zeros((2, 2), np.uint8))
    raw = (tmp_path / 'a.npy').read_bytes().replace(b'(2, 2), }         ', b'(99999, 9999999), }')
    (tmp_path / 'a.npy').write_bytes(raw)
    with pytest.raises(SpikeDataError, match='takes 999989900001 bytes'):
        load_arrays(tmp_path / 'a.npy')


def test_absent_files_and_other_files_are_refused(tmp_path):
    with pytest.raises(SpikeDataError, match='there is no such file'):
        load_arrays(tmp_path / 'a.npz')
    (tmp_path / 'a.npz').write_bytes(b'no zip')
    with pytest.raises(SpikeDataError, match=r'not a readable \.npz file \(File is not a zip file\)'):
        load_arrays(tmp_path / 'a.npz')
