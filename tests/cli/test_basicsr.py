import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from spikereveal_plugin.cli import basicsr, spikereveal
from spikereveal_plugin.cli.run import INTERRUPTED, run
from spikereveal_plugin.demo.option_files import option_folder
from spikereveal_plugin.errors import SpikeDataError


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
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())


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


def test_a_missing_option_file_is_named(capsys: pytest.CaptureFixture[str]):
    assert basicsr.main(['train', '-opt', 'gone.yml']) == 1
    assert 'gone.yml: no such option file' in capsys.readouterr().err
