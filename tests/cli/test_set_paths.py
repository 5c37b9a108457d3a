"""Every command that reads a data set takes its root, a split, or a folder in a split."""

import shutil
from pathlib import Path

import pytest

from spikereveal_plugin.cli.spikereveal import main

COMMANDS = {
    'verify': ('data', 'verify', 'SET'),
    'inspect': ('data', 'inspect', 'SET', '-o', 'sheet.png'),
    'play': ('data', 'play', 'SET', '-o', 'play.gif', '--frames', '2', '--window', '9'),
    'deblur': ('deblur', 'SET', '-o', 'out', '--method', 'sdm', '--frames', '1'),
    'compare': ('compare', 'blur', 'sdm', '--data', 'SET', '-o', 'out', '--metrics', 'psnr'),
    'adapt': (
        'adapt',
        'SET',
        '-o',
        'out',
        '--iterations',
        '1',
        '--crop',
        '16',
        '--instants',
        '1',
        '--val-instants',
        '1',
    ),
}
FORMS = ('.', 'train', 'test', 'test/spike.lmdb', 'train/blur.lmdb', 'test/sharp_sequence.lmdb')


@pytest.fixture
def run(tiny_set, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('set').symlink_to(tiny_set)

    def typed(command, form):
        return main([word.replace('SET', str(Path('set', form))) for word in COMMANDS[command]])

    return typed


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('command', [name for name in COMMANDS if name != 'adapt'])
def test_every_command_takes_every_folder_of_a_set(command, form, run, capsys):
    assert run(command, form) == 0, capsys.readouterr().err


@pytest.mark.smoke
@pytest.mark.parametrize('form', ['.', 'train/spike.lmdb'])
def test_adapt_takes_them_too(form, run, capsys):
    assert run('adapt', form) == 0, capsys.readouterr().err


@pytest.mark.parametrize('command', COMMANDS)
def test_another_folder_is_one_line(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path('set').mkdir()
    assert main([word.replace('SET', 'set') for word in COMMANDS[command]]) == 1
    error = capsys.readouterr().err
    assert 'set' in error
    assert 'Traceback' not in error


def test_a_root_means_its_test_split_and_else_train(run, tiny_set, tmp_path, caplog):
    assert run('deblur', '.') == 0
    of_test = {path.name for path in Path('out').rglob('*.png')}
    shutil.copytree(tiny_set / 'train', 'only/train')
    assert main(['deblur', 'only', '-o', 'of_train', '--method', 'sdm', '--frames', '1']) == 0
    assert of_test
    assert len(list(Path('of_train').rglob('*.png'))) > len(list(Path('out').rglob('*.png')))


def test_the_records_of_a_set_say_the_exposure(run, tmp_path, capsys):
    assert main(['deblur', 'set', '-o', 'out', '--method', 'sdm', '--exposure', '1', '30']) == 1
    assert 'the records of set/test say it; leave it out' in capsys.readouterr().err
