from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import check_arguments, load_options, override, parse_section, parse_yaml


@dataclass(frozen=True)
class Section:
    gt_size: int
    lr: float = 1e-4
    mode: Literal['a', 'b'] = 'a'
    periods: tuple[int, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    on: bool = False


@pytest.mark.parametrize('text', ['2e-4', '2E-4', '2.e-4', '+1e3', '0.0002', '.5', '1e-10'])
def test_every_spelling_of_a_number_is_a_number(text: str):
    assert parse_yaml(text, 'here') == float(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_python_prints_numbers_that_yaml_reads_back(value: float):
    assert parse_yaml(repr(value), 'here') == value


@pytest.mark.parametrize(
    ('text', 'value'), [('3', 3), ('1_000', 1000), ('~', None), ('true', True), ('1.2.3', '1.2.3'), ('-', [None])]
)
def test_what_is_not_a_float_stays_what_it_was(text: str, value: object):
    assert parse_yaml(text, 'here') == value


def test_yaml_that_builds_objects_is_refused():
    with pytest.raises(OptionError, match='not valid YAML'):
        parse_yaml('!!python/object/apply:os.getcwd []', 'here')


def test_base_is_merged_key_by_key(tmp_path: Path):
    (tmp_path / 'base.yml').write_text('train: {lr: 2e-4, total_iter: 10}\nval: {metrics: {psnr: {type: a}}}\n')
    (tmp_path / 'child.yml').write_text(
        '_base_: base.yml\ntrain: {lr: 1e-3}\nval: {metrics: {_delete_: true, liqe: {type: b}}}\n'
    )
    assert load_options(tmp_path / 'child.yml') == {
        'train': {'lr': 1e-3, 'total_iter': 10},
        'val': {'metrics': {'liqe': {'type': 'b'}}},
    }


def test_a_circle_of_bases_is_refused(tmp_path: Path):
    (tmp_path / 'a.yml').write_text('_base_: b.yml\n')
    (tmp_path / 'b.yml').write_text('_base_: a.yml\n')
    with pytest.raises(OptionError, match='leads back'):
        load_options(tmp_path / 'a.yml')


@pytest.mark.parametrize(
    ('content', 'match'),
    [('- 1', 'expected a mapping'), ('a: [', 'not valid YAML'), ('_base_: gone.yml', 'no such option file')],
)
def test_bad_files_are_named(tmp_path: Path, content: str, match: str):
    (tmp_path / 'x.yml').write_text(content)
    with pytest.raises(OptionError, match=match):
        load_options(tmp_path / 'x.yml')


def test_override_reads_yaml_values():
    opt: dict[str, Any] = {'train': {'lr': 1.0}, 'name': 'x'}
    override(opt, ['train:lr=2e-4', 'name=None', 'train:periods=[1, 2]'])
    assert opt == {'train': {'lr': 2e-4, 'periods': [1, 2]}, 'name': None}


@pytest.mark.parametrize(
    ('entry', 'match'), [('trian:lr=1', "Did you mean 'train'"), ('train:lr', 'expected section:key=value')]
)
def test_override_refuses(entry: str, match: str):
    with pytest.raises(OptionError, match=match):
        override({'train': {}}, [entry])


def test_a_section_becomes_its_dataclass():
    section = parse_section(Section, {'gt_size': 8, 'lr': 1, 'periods': [3, 4], 'type': 'x'}, 'train', ignore={'type'})
    assert section == Section(gt_size=8, lr=1, periods=(3, 4))


@pytest.mark.parametrize(
    ('opt', 'match'),
    [
        ({'gt_sise': 8}, "train: unknown option 'gt_sise'. Did you mean 'gt_size'?"),
        ({}, r'missing option\(s\): gt_size'),
        ({'gt_size': '8'}, "train.gt_size: expected a whole number, found '8'"),
        ({'gt_size': True}, 'expected a whole number, found True'),
        ({'gt_size': 8, 'mode': 'c'}, "expected one of 'a', 'b', found 'c'"),
        ({'gt_size': 8, 'periods': [1.5]}, 'expected a list of a whole number or ~'),
        ({'gt_size': 8, 'extra': 3}, 'expected a section of options, found 3'),
        ({'gt_size': 8, 'on': 'yes'}, "expected true or false, found 'yes'"),
        (None, 'expected a section of options, found None'),
    ],
)
def test_a_wrong_section_is_refused(opt: Any, match: str):
    with pytest.raises(OptionError, match=match):
        parse_section(Section, opt, 'train')


def test_arguments_of_a_registered_class_are_checked():
    def network(*, num_feat: int = 64) -> None: ...

    check_arguments(network, {'type': 'X', 'num_feat': 3}, 'network_g')
    with pytest.raises(OptionError, match="network_g: unknown option 'num_feet'. Did you mean 'num_feat'?"):
        check_arguments(network, {'type': 'X', 'num_feet': 3}, 'network_g')
