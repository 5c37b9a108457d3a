"""Names of results that real tools write, against the names of what they restored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikereveal_plugin.compare.matching import match_names

FITTING = {
    'equal': (['0', '1'], ['0', '1'], ''),
    "basicsr test's suffix": (['0001_LDN', '0002_LDN'], ['0001', '0002'], "names end in '_LDN'"),
    'a number after it': (['0_3', '1_3', '3_3'], ['0', '1', '3'], "names end in '_3'"),
    'a text before it': (['out_a/0', 'out_a/1'], ['a/0', 'a/1'], "names begin with 'out_'"),
    'both': (['x_0_y', 'x_1_y'], ['0', '1'], "names begin with 'x_' and end in '_y'"),
    'a folder before it': (['visual/a/0', 'visual/a/1'], ['a/0', 'a/1'], "names begin with 'visual/'"),
    'other padding': (['0000', '0010'], ['0', '10'], 'numbers are compared without zeros before them'),
    'padding and suffix': (['0000_x2', '0010_x2'], ['0', '10'], "names end in '_x2'; numbers are"),
    'no folders': (['a_0', 'b_0'], ['a/0', 'b/0'], 'folders are a part of the name'),
    'no folders, padding': (['a_00', 'b_01'], ['a/0', 'b/1'], 'folders are a part of the name, and numbers'),
    'capitals': (['Cat', 'dog'], ['cat', 'Dog'], 'capitals are not looked at'),
    'a suffix that holds the name': (['0_0', '1_0'], ['0', '1'], "names end in '_0'"),
    'one image': (['3_3'], ['3'], ''),
}


@pytest.mark.parametrize(('names', 'expected', 'rule'), FITTING.values(), ids=FITTING)
def test_one_rule_that_fits_all_is_found_and_said(names, expected, rule):
    match = match_names(names, expected)
    assert match.names == dict(zip(expected, names, strict=True))
    assert rule in match.rule


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        (['0_a', '1_b'], ['0', '1']),  # two suffixes
        (['0', '1', '2'], ['0', '1']),
        (['1', '2'], ['0', '1']),  # which is the first?
        (['00', '0'], ['0', '1']),
        (['x', 'y'], ['0', '1']),
        (['1_2', '2_1'], ['1', '2']),  # of one rule 1_2 is 1, of no rule both
    ],
)
def test_where_no_rule_fits_all_there_is_no_match(names, expected):
    assert match_names(names, expected) is None


@given(st.sets(st.integers(0, 500), min_size=1, max_size=12), st.integers(1, 5), st.text('ab_1', max_size=3))
def test_a_match_never_mixes_up_numbers(numbers, digits, after):
    expected = [str(number) for number in sorted(numbers)]
    names = [f'{number:0{digits}d}-{after}' for number in sorted(numbers)]
    match = match_names(names, expected)
    assert match is not None
    assert match.names == dict(zip(expected, names, strict=True))
