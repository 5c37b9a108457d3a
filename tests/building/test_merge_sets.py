from dataclasses import replace

import pytest

from spikereveal_plugin.building.merge_sets import merge_sets
from spikereveal_plugin.building.simulate_footage import SimulateOptions, simulate_footage
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.recordings.manifest import read_manifest

OPTIONS = SimulateOptions(factor=32, flow='ultrafast', test=('b',))
SHARDS = 3


@pytest.fixture(scope='module')
def footage(make_footage):
    """Eight exposures, which are two runs, and two."""
    return make_footage({'a': 37, 'b': 13}, width=32)


@pytest.fixture(scope='module')
def whole(footage):
    return simulate_footage([footage / 'a', footage / 'b'], footage.parent / 'sets/whole', OPTIONS)


@pytest.fixture(scope='module')
def parts(footage):
    folder = footage.parent / 'sets'
    return [
        simulate_footage([footage / 'a', footage / 'b'], folder / f'{i}', replace(OPTIONS, shard=(i, SHARDS)))
        for i in range(1, SHARDS + 1)
    ]


def test_merged_shards_are_the_whole_build_byte_for_byte(bytes_of, whole, parts, tmp_path):
    sizes = [{split: counts['samples'] for split, counts in read_manifest(part)['splits'].items()} for part in parts]
    assert sizes == [{'train': 6}, {'train': 2}, {'test': 2}]
    merged = merge_sets(parts[::-1], tmp_path / 'merged')
    assert bytes_of(merged) == bytes_of(whole)
    assert [path.name for path in tmp_path.iterdir()] == ['merged']


def test_a_shard_to_which_nothing_falls_is_a_part_too(bytes_of, footage, whole, tmp_path):
    parts = [
        simulate_footage([footage / 'a', footage / 'b'], tmp_path / f'{i}', replace(OPTIONS, shard=(i, 4)))
        for i in range(1, 5)
    ]
    assert [path.name for path in parts[3].iterdir()] == ['dataset.json']
    assert bytes_of(merge_sets(parts, tmp_path / 'merged')) == bytes_of(whole)


def test_a_missing_and_a_foreign_part_are_refused(footage, whole, parts, tmp_path):
    other = simulate_footage(
        [footage / 'a', footage / 'b'], tmp_path / 'other', replace(OPTIONS, shard=(3, SHARDS), seed=7)
    )
    for given, message in (
        (parts[:2], r'shard 3/3 is missing \(1 in all\)'),
        ([*parts[:2], other], r'are parts of different builds: in .*1 seed is 0, here 7'),
        ([whole], r'whole is a whole data set, not a part made with --shard'),
        ([footage], r'no readable manifest'),
    ):
        with pytest.raises(SpikeDataError, match=message):
            merge_sets(given, tmp_path / 'merged')
    assert not (tmp_path / 'merged.partial').exists()


def test_one_shard_from_two_folders_is_refused(footage, parts, tmp_path):
    again = simulate_footage([footage / 'a', footage / 'b'], tmp_path / 'again', replace(OPTIONS, shard=(1, SHARDS)))
    with pytest.raises(SpikeDataError, match=r'again and .* are both shard 1/3; name each once'):
        merge_sets([*parts, again], tmp_path / 'merged')


def test_a_damaged_part_is_named_and_a_later_merge_goes_on(bytes_of, footage, whole, parts, tmp_path):
    bad = simulate_footage([footage / 'a', footage / 'b'], tmp_path / 'bad', replace(OPTIONS, shard=(3, SHARDS)))
    file = bad / 'test/blur.lmdb/data.mdb'
    raw = bytearray(file.read_bytes())
    raw[raw.index(b'P6\n') + 500] ^= 255
    file.write_bytes(raw)
    with pytest.raises(SpikeDataError, match="bad: the blur of test sample 'b/0000.*has another checksum"):
        merge_sets([*parts[:2], bad], tmp_path / 'merged')
    assert bytes_of(merge_sets(parts, tmp_path / 'merged')) == bytes_of(whole)


def test_two_workers_give_the_same_bytes_as_one(bytes_of, footage, whole, tmp_path):
    out = simulate_footage([footage / 'b', footage / 'a'], tmp_path / 'out', replace(OPTIONS, workers=2))
    assert bytes_of(out) == bytes_of(whole)
