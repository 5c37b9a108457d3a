import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest

from spikereveal_plugin.building import sample_photographs as sample_module
from spikereveal_plugin.building import simulate_footage as simulate_module
from spikereveal_plugin.building.sample_photographs import SampleOptions
from spikereveal_plugin.building.simulate_footage import SimulateOptions
from spikereveal_plugin.cli.data.parser import add_data_parser


def parse(*words):
    parser = argparse.ArgumentParser()
    add_data_parser(parser.add_subparsers())
    return parser.parse_args(['data', *words])


@pytest.fixture
def calls(monkeypatch):
    calls = []
    monkeypatch.setattr(simulate_module, 'simulate_footage', lambda *args: calls.append(args))
    monkeypatch.setattr(sample_module, 'sample_photographs', lambda *args: calls.append(args))
    return calls


def run(*words):
    args = parse(*words)
    args.run(args)


def test_defaults_are_those_of_the_options(calls):
    run('simulate', 'a.mp4', '-o', 'out', '--workers', '1')
    run('sample', '-o', 'out', '--workers', '1')
    assert calls == [([Path('a.mp4')], Path('out'), SimulateOptions()), (Path('out'), SampleOptions())]


def test_every_option_arrives(calls):
    common = ['--threshold', '2', '--no-noise', '--seed', '3', '--overwrite', '--workers', '2', '-o', 'out']
    build = ['--interpolated', '--shard', '2/4']
    run(
        'simulate',
        'a.mp4',
        'b',
        '--factor',
        '16',
        '--test',
        'b',
        '--resize',
        '64',
        '96',
        '--flow',
        'fast',
        *build,
        *common,
    )
    run('sample', '--train', '4', '--test', '2', '--size', '64', '96', *common)
    shared = {'threshold': 2.0, 'noise': False, 'seed': 3, 'overwrite': True, 'workers': 2}
    assert calls[0][2] == SimulateOptions(
        factor=16, test=('b',), resize=(64, 96), flow='fast', interpolated=True, shard=(2, 4), **shared
    )
    assert calls[1][1] == SampleOptions(train=4, test=2, height=64, width=96, **shared)


def test_test_footage_may_be_given_by_path(calls, tmp_path):
    for name in ('apart', 'beside'):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / '0.png'), np.zeros((16, 16, 3), np.uint8))
    run('simulate', 'a.mp4', 'b', '--test', str(tmp_path), 'b', '-o', 'out')
    assert calls[0][0] == [Path('a.mp4'), Path('b'), tmp_path]
    assert calls[0][2].test == ('apart', 'beside', 'b')


@pytest.mark.parametrize(
    'words',
    [
        ('simulate', '-o', 'out'),
        ('simulate', 'a'),
        ('simulate', 'a', '-o', 'o', '--factor', '9'),
        *(('simulate', 'a', '-o', 'o', '--shard', it) for it in ('0/2', '3/2', '2')),
        ('sample', '-o', 'o', '--workers', '0'),
    ],
)
def test_wrong_usage_is_refused(words, capsys):
    with pytest.raises(SystemExit, match='2'):
        parse(*words)
    assert 'usage' in capsys.readouterr().err


@pytest.mark.parametrize('command', ['simulate', 'sample', 'teach'])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit, match='0'):
        parse(command, '--help')
    assert f'spikereveal data {command}' in capsys.readouterr().out.partition('examples:')[2]


def test_a_sensors_options_arrive(calls):
    sensor = [
        '--ratio',
        '2',
        '--linear-light',
        '--dark-current',
        '0.1',
        '--shot-noise',
        '500',
        '--fixed-pattern',
        'm.npz',
    ]
    run('simulate', 'a.mp4', *sensor, '--interpolator', 'rife', '-o', 'out')
    options = calls[0][2]
    assert (options.ratio, options.linear_light, options.dark_current) == (2, True, 0.1)
    assert (options.shot_electrons, options.fixed_pattern, options.interpolator) == (500.0, Path('m.npz'), 'rife')


@pytest.mark.parametrize('command', [('import',), ('import', 'folder'), ('align',), ('inspect',), ('play',)])
def test_help_of_recordings_has_examples(command, capsys):
    with pytest.raises(SystemExit, match='0'):
        parse(*command, '--help')
    assert f'spikereveal data {command[0]}' in capsys.readouterr().out.partition('examples:')[2]
