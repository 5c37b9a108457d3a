"""Types and ranges of options that every model has, by table; names that lead elsewhere."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from spikereveal_plugin.cli.basicsr import main
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import load_options
from spikereveal_plugin.pipelines.ranges import check_ranges, check_types

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
STOCK: dict[str, Any] = {
    'name': 'run',
    'model_type': 'SRModel',
    'datasets': {'train': {'name': 'a set', 'type': 'PairedImageDataset', 'batch_size_per_gpu': 1}},
    'network_g': {'type': 'EDSR'},
    'train': {'total_iter': 10},
}
CASES = [
    ({'name': 2024}, 'name: expected text, found 2024; put it in quotes'),
    ({'name': '../../run'}, "name: the name '../../run' leads elsewhere"),
    ({'name': '/tmp/run'}, 'leads elsewhere'),
    ({'name': 'a\nb'}, 'holds'),
    ({'model_type': [1]}, 'model_type: expected text, found [1]'),
    ({'path': 5}, 'path: expected a section of keys, found 5'),
    ({'datasets': []}, None),
    ({'datasets': {'train': 3}}, 'datasets.train: expected a section of keys, found 3'),
    ({'datasets': {'val': {'name': '../x'}}}, "datasets.val.name: the name '../x' leads elsewhere"),
    (
        {'datasets': {'train': {'batch_size_per_gpu': 0}}},
        'datasets.train.batch_size_per_gpu: expected a whole number, 1',
    ),
    ({'datasets': {'train': {'num_worker_per_gpu': -1}}}, 'num_worker_per_gpu: expected a whole number, 0 or more'),
    ({'datasets': {'train': {'dataset_enlarge_ratio': 0}}}, 'dataset_enlarge_ratio: expected a number, 1 or more'),
    ({'datasets': {'train': {'gt_size': 1.5}}}, 'gt_size: expected a whole number'),
    ({'train': {'total_iter': 0}}, 'train.total_iter: expected a whole number, 1 or more, found 0'),
    ({'train': {'total_iter': float('nan')}}, 'train.total_iter: expected a whole number'),
    ({'train': {'ema_decay': 2}}, 'train.ema_decay: expected a number, 0 or more, below 1, found 2'),
    ({'train': 7}, 'train: expected a section'),
    ({'val': {'val_freq': 0}}, 'val.val_freq: expected a whole number, 1 or more, found 0'),
    ({'logger': {'print_freq': '10 k'}}, "logger.print_freq: expected a whole number, 1 or more, found '10 k'"),
    ({'logger': {'save_checkpoint_freq': True}}, 'save_checkpoint_freq: expected a whole number'),
    ({'manual_seed': -5}, 'manual_seed: expected a whole number, 0 or more, below 4294967296, found -5'),
    ({'manual_seed': 'x' * 1000}, "found 'xxxxxxxx"),
]


@pytest.mark.parametrize(('change', 'said'), CASES, ids=lambda case: str(case)[:50])
def test_what_is_out_of_range_is_one_line(change, said, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'x.yml').write_text(yaml.safe_dump({**STOCK, **change}))
    assert main(['train', '-opt', 'x.yml']) == 1
    error = capsys.readouterr().err
    assert 'Traceback' not in error
    assert len(error.strip().splitlines()[-1]) < 400
    assert 'x.yml' in error
    if said:
        assert said in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ['x.yml']


@pytest.mark.parametrize('number', [5000, 5e3])
def test_whole_numbers_may_be_written_as_floats(number):
    check_ranges({**STOCK, 'val': {'val_freq': number}, 'train': {'total_iter': number}}, 'x.yml')


@pytest.mark.parametrize('path', sorted(OPTIONS.rglob('*.yml')), ids=lambda path: path.stem)
def test_every_option_file_is_within(path: Path):
    opt = load_options(path)
    if 'model_type' in opt:
        check_types(opt, path.name)
        check_ranges(opt, path.name)


def test_an_error_is_an_option_error():
    with pytest.raises(OptionError, match=r'x\.yml: name'):
        check_types({'name': 1}, 'x.yml')
