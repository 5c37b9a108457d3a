"""Absent weights: named with the commands that make them, left out, or trained."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.compare import training

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
BSN = 'experiments/tiny_bsn/models/net_g_latest.pth'
SR = 'experiments/tiny_sr/models/net_g_latest.pth'
TRAIN = {'total_epoch': None, 'total_iter': 1}


@pytest.fixture
def workspace(tmp_path, tiny_set, monkeypatch) -> Path:
    """Two tiny trainings in order, and a comparison that needs both."""
    monkeypatch.chdir(tmp_path)
    Path('datasets').mkdir()
    Path('datasets/sample').symlink_to(tiny_set)
    data = {'train': {'gt_size': 32, 'batch_size_per_gpu': 1, 'num_worker_per_gpu': 0}}
    for kind, network in (('bsn', {'num_feat': 4}), ('sr', {'num_feat': 4, 'num_block': 1})):
        base = OPTIONS / f'{"bsn" if kind == "bsn" else "edsr"}_sample.yml'
        opt = {'_base_': str(base), 'name': f'tiny_{kind}', 'network_g': network, 'datasets': data, 'train': TRAIN}
        Path(f'{kind}.yml').write_text(yaml.safe_dump({**opt, 'num_gpu': 0, 'val': None}))
    small = {'network_bsn': {'num_feat': 4}, 'network_sr': {'num_feat': 4, 'num_block': 1}}
    methods = {
        'sdm': {'type': 'sdm'},
        'teacher': {'type': 'teacher', 'bsn': BSN, 'sr': SR, **small, 'train': ['bsn.yml', 'sr.yml']},
        'folder': {'type': 'folder', 'path': 'nowhere'},
    }
    sets = {'tiny': {'data': 'datasets/sample/test', 'frames': 'middle'}}
    opt = {'out': 'out', 'metrics': ['psnr'], 'sets': sets, 'methods': methods}
    Path('compare.yml').write_text(yaml.safe_dump(opt, sort_keys=False))
    return tmp_path


def touch(file):
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).touch()


def content() -> dict:
    return json.loads(Path('out/compare.json').read_text())


def test_the_commands_are_named(workspace, capsys):
    assert main(['compare', '-opt', 'compare.yml']) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f'teacher: {BSN}, {SR}' in error
    assert 'make them by basicsr train -opt bsn.yml && basicsr train -opt sr.yml, or let --train do so' in error
    touch(BSN)
    assert main(['compare', '-opt', 'compare.yml']) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert 'make them by basicsr train -opt sr.yml, or let' in error  # what is there is not trained again


def test_what_is_absent_is_left_out_and_said(workspace, capsys):
    assert main(['compare', '-opt', 'compare.yml', '--skip-missing']) == 0
    assert content()['methods'] == ['sdm']
    notes = '\n'.join(content()['notes'])
    assert f'Left out, since this is absent: teacher: {BSN}, {SR}.' in notes
    assert 'Left out, since this is absent: folder: nowhere.' in notes
    opt = yaml.safe_load(Path('compare.yml').read_text())
    Path('compare.yml').write_text(yaml.safe_dump(opt | {'methods': {'folder': opt['methods']['folder']}}))
    assert main(['compare', '-opt', 'compare.yml', '--skip-missing']) == 1
    assert 'nothing is left to compare' in capsys.readouterr().err


def test_a_set_that_is_absent_is_left_out_and_said(workspace, capsys):
    opt = yaml.safe_load(Path('compare.yml').read_text())
    sets = opt['sets'] | {'gone': {'data': 'datasets/gone/test'}}
    methods = {'sdm': {'type': 'sdm', 'per_set': {'gone': {'short_window': 5}}}}
    Path('compare.yml').write_text(yaml.safe_dump(opt | {'sets': sets, 'methods': methods}))
    assert main(['compare', '-opt', 'compare.yml']) == 1
    assert main(['compare', '-opt', 'compare.yml', '--skip-missing']) == 0
    assert 'Left out, since this is absent: the set gone, datasets/gone/test.' in '\n'.join(content()['notes'])
    assert {entry['set'] for entry in content()['scores']} == set(map(str, opt['sets']))
    Path('compare.yml').write_text(yaml.safe_dump(opt | {'sets': {'gone': sets['gone']}, 'methods': methods}))
    capsys.readouterr()
    assert main(['compare', '-opt', 'compare.yml', '--skip-missing']) == 1
    assert 'no set is there: gone: datasets/gone/test; `spikereveal data simulate`' in capsys.readouterr().err


def test_a_failed_training_ends_the_comparison(workspace, monkeypatch, capsys):
    calls = []

    def fail(command, check):
        calls.append(command[-3:])
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(training.subprocess, 'run', fail)
    assert main(['compare', '-opt', 'compare.yml', '--train']) == 1
    assert calls == [['-opt', 'bsn.yml', '--auto_resume']]
    assert 'basicsr train -opt bsn.yml --auto_resume ended with code 1' in capsys.readouterr().err


def test_weights_that_no_training_makes_are_named(workspace, monkeypatch, capsys):
    monkeypatch.setattr(training.subprocess, 'run', lambda command, check: subprocess.CompletedProcess(command, 0))
    assert main(['compare', '-opt', 'compare.yml', '--train']) == 1
    assert (
        f'absent, and no `train` of its method makes it: teacher: {BSN}, {SR}; folder: nowhere'
        in capsys.readouterr().err
    )


@pytest.mark.smoke
def test_what_is_absent_is_trained_in_order(workspace, capfd):
    opt = yaml.safe_load(Path('compare.yml').read_text())
    opt['methods']['folder'] = None
    Path('small.yml').write_text(yaml.safe_dump({'_base_': 'compare.yml', 'methods': {'folder': None}}))
    assert main(['compare', '-opt', 'small.yml', '--train']) == 0, capfd.readouterr().err
    assert Path(BSN).is_file()
    assert Path(SR).is_file()
    assert content()['methods'] == ['sdm', 'teacher']
    assert len(content()['scores']) == 2
