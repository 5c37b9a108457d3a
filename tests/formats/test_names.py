"""Names from data lead nowhere but below the folder that they are put in."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.names import check_name, is_key, key_part
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb, SpikeLmdbWriter


@pytest.mark.parametrize(
    'name', ['', '.', '..', '/abs/x', '../../x', 'a/../x', 'a//x', 'a/', 'C:/x', 'a\\x', 'a\nb', 'a\0b', 'a\x1b[0m']
)
def test_names_that_lead_elsewhere_are_refused(name: str):
    with pytest.raises(SpikeDataError, match=r'^here: the name '):
        check_name(name, 'here')


@pytest.mark.parametrize('name', ['clip/000019', 'a b', 'v1.2/x', '..a', '咖啡/000', 'GOPR0384_11_00'])
def test_ordinary_names_pass(name: str):
    assert check_name(name, 'here') == name


@given(st.text(max_size=20))
def test_what_passes_stays_below_its_folder(name: str):
    try:
        check_name(name, 'here')
    except SpikeDataError:
        return
    root = Path('/root/out')
    assert root in Path(f'{root}/{name}').resolve().parents


@pytest.mark.parametrize('key', ['../../x', '/abs/x', 'a/../../x'])
def test_spikes_of_such_a_key_are_refused(key: str, tmp_path: Path):
    with SpikeLmdbWriter(tmp_path / 'spike.lmdb') as writer:
        writer.put('a/0', np.zeros((9, 4, 4), np.bool_), 0, 9)
    meta = tmp_path / 'spike.lmdb/meta_info.txt'
    meta.write_text(meta.read_text().replace('a/0', key))
    with pytest.raises(SpikeDataError, match=r'meta_info\.txt: the name .* leads elsewhere'):
        SpikeLmdb(tmp_path / 'spike.lmdb')


@given(text=st.text(min_size=1))
def test_any_name_of_a_file_becomes_a_part_of_a_key(text: str):
    part = key_part(text)
    assert is_key(part)
    assert check_name(part, 'here') == part
    assert len(part) == len(text)
    assert key_part(part) == part


@pytest.mark.parametrize('name', ['夜景', 'Ночь 1', 'été', 'a-b_c+(1)', '日本 語'])
def test_a_name_of_any_script_stays_as_it_is(name: str):
    assert key_part(name) == name
