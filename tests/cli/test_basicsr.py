import argparse
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spikereveal_plugin.cli import basicsr, spikereveal
from spikereveal_plugin.cli.outcome import INTERRUPTED, PIPE_CLOSED
from spikereveal_plugin.cli.run import run
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.option_files import find_option_file, option_folder
from spikereveal_plugin.options import load_options


@pytest.mark.parametrize('command', ['train', 'test'])
def test_basicsrs_flags_are_understood(command: str):
    words = [command, '-opt', 'x.yml', '--launcher', 'pytorch', '--auto_resume', '--debug', '--local_rank', '1']
    args = basicsr.build_parser().parse_args([*words, '--force_yml', 'a=1', 'b:c=2', '--check'])
    assert (args.opt, args.launcher, args.auto_resume, args.local_rank) == ('x.yml', 'pytorch', True, 1)
    assert args.force_yml == ['a=1', 'b:c=2']
    assert basicsr.build_parser().parse_args([command, '-opt', 'x.yml', '--local-rank=2']).local_rank == 2


def test_exit_codes(capsys: pytest.CaptureFixture[str]):
    def fail(error: BaseException) -> int:
        def command(args: argparse.Namespace) -> None:
            raise error

        return run(command, argparse.Namespace(), debug=False)

    assert run(lambda args: None, argparse.Namespace(), debug=False) == 0
    assert fail(SpikeDataError('x.dat: empty')) == 1
    assert capsys.readouterr().err == 'error: x.dat: empty\n'
    assert fail(KeyboardInterrupt()) == INTERRUPTED
    capsys.readouterr()
    assert fail(ZeroDivisionError('by\nzero')) == 1
    assert capsys.readouterr().err.startswith('error: ZeroDivisionError: by zero, in test_basicsr.py, line ')
    assert fail(SpikeDataError('a\nb\x1b[1m.dat: empty')) == 1
    assert capsys.readouterr().err == 'error: a\\nb\\x1b[1m.dat: empty\n'
    assert fail(OSError(errno.ENOSPC, 'No space left on device', 'a.png')) == 1
    assert capsys.readouterr().err == 'error: a.png: No space left on device; free some space, or write elsewhere\n'
    assert fail(BrokenPipeError()) == PIPE_CLOSED
    assert not capsys.readouterr().err


@pytest.mark.parametrize('words', [['weights', 'list'], ['options', 'list'], ['doctor']], ids=' '.join)
def test_a_full_device_and_a_closed_pipe(words: list[str]):
    command = [sys.executable, '-m', 'spikereveal_plugin.cli.spikereveal', *words]
    with Path('/dev/full').open('w') as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'error: standard output: No space left on device; free some space, or write elsewhere\n'
    reader, writer = os.pipe()
    os.close(reader)
    closed = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (closed.returncode, closed.stderr) == (PIPE_CLOSED, '')


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]):
    def command(args: argparse.Namespace) -> None:
        raise SpikeDataError('x.dat: empty')

    assert run(command, argparse.Namespace(), debug=True) == 1
    assert 'Traceback' in capsys.readouterr().err


@pytest.mark.parametrize('parser', [basicsr.build_parser(), spikereveal.build_parser()], ids=lambda p: p.prog)
def test_wrong_usage_is_exit_code_2(parser: argparse.ArgumentParser):
    with pytest.raises(SystemExit, match='2'):
        parser.parse_args(['nonsense'])


@pytest.mark.parametrize(
    'words',
    [
        ['basicsr', '--help'],
        ['basicsr', 'train', '--help'],
        ['basicsr', 'test', '--help'],
        ['spikereveal', '--help'],
        ['spikereveal', 'demo', '--help'],
        ['spikereveal', 'doctor', '--help'],
        ['spikereveal', 'data', 'simulate', '--help'],
        ['spikereveal', 'data', 'sample', '--help'],
        ['spikereveal', 'weights', 'import', '--help'],
    ],
    ids=' '.join,
)
def test_help_has_examples(words: list[str], capsys: pytest.CaptureFixture[str]):
    main = {'basicsr': basicsr.main, 'spikereveal': spikereveal.main}[words[0]]
    with pytest.raises(SystemExit, match='0'):
        main(words[1:])
    assert 'examples:' in capsys.readouterr().out


def test_the_modules_run_as_commands(tmp_path: Path):
    """A launcher such as torchrun starts modules, not console scripts."""
    for module, word in (('basicsr', 'train'), ('spikereveal', 'data')):
        command = [sys.executable, '-m', f'spikereveal_plugin.cli.{module}', '--help']
        assert word in subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout


def test_the_option_files_are_found():
    assert (option_folder() / 'bsn_sample.yml').is_file()


def test_option_files_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert find_option_file(Path('options/table3/ldn_gopro_lambda_10.yml')).is_file()
    (tmp_path / 'mine.yml').write_text('_base_: options/bsn_sample.yml\nname: mine')
    assert load_options(Path('mine.yml')) == {**load_options(Path('options/bsn_sample.yml')), 'name': 'mine'}
    (tmp_path / 'options').mkdir()
    (tmp_path / 'options/bsn_sample.yml').write_text('name: own')
    assert load_options(Path('options/bsn_sample.yml')) == {'name': 'own'}
    for given, said in (
        ('bsn_sample.yml', 'options/bsn_sample.yml comes along'),
        ('x.yml', 'spikereveal options list'),
    ):
        with pytest.raises(OptionError, match=said):
            find_option_file(Path(given))


def test_an_option_file_is_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    target = tmp_path / 'mine.yml'
    assert spikereveal.main(['options', 'copy', 'ldn_gopro', '-o', str(target)]) == 0
    assert target.read_bytes() == (option_folder() / 'ldn_gopro.yml').read_bytes()
    assert spikereveal.main(['options', 'copy', 'ldn_gopro.yml', '-o', str(target)]) == 1
    assert '--overwrite' in capsys.readouterr().err
    assert spikereveal.main(['options', 'list']) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert len(names) > 30
    assert set(names) == {path.relative_to(option_folder()).as_posix() for path in option_folder().rglob('*.yml')}


def test_a_missing_option_file_is_named(capsys: pytest.CaptureFixture[str]):
    assert basicsr.main(['train', '-opt', 'gone.yml']) == 1
    assert 'gone.yml: no such option file' in capsys.readouterr().err
