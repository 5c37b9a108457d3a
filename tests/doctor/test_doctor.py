"""Each check passes on a machine that works, and fails on one that it is broken for."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from spikereveal_plugin import _compat
from spikereveal_plugin.cli import spikereveal
from spikereveal_plugin.cli.doctor import examine
from spikereveal_plugin.doctor import machine as doctor_machine
from spikereveal_plugin.doctor import stack as doctor_stack
from spikereveal_plugin.doctor.finding import FAIL, NOTE, OK, Finding, fail, fine, note
from spikereveal_plugin.errors import EnvironmentProblemError, SpikeDataError

CHECKS: dict[str, Callable[[], Finding]] = {
    name: getattr(module, name)
    for module in (doctor_stack, doctor_machine)
    for name in vars(module)
    if 'check_' in name
}


@pytest.mark.parametrize('name', [name for name in CHECKS if name not in ('check_disk', 'check_shared_memory')])
def test_nothing_fails_where_the_tests_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Space on the disk and in /dev/shm is the machine's own business."""
    monkeypatch.chdir(tmp_path)
    finding = CHECKS[name]()
    assert finding.level in (OK, NOTE), finding
    assert (finding.level == NOTE) == bool(finding.cure)


def test_the_exit_code_is_that_of_the_worst(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert examine([lambda: fine('a'), lambda: note('b', 'do b'), lambda: fail('c', 'do c')]) == 1
    assert capsys.readouterr().out.splitlines() == ['ok    a', 'note  b  ->  do b', 'FAIL  c  ->  do c']
    for module in (doctor_stack, doctor_machine):
        for name in CHECKS:
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda: fine('x'))
    assert spikereveal.main(['doctor']) == 0
    monkeypatch.setattr(doctor_machine, 'check_video', lambda: fail('no codec', 'install it'))
    assert spikereveal.main(['doctor']) == 1
    captured = capsys.readouterr()
    assert 'FAIL  no codec  ->  install it' in captured.out
    assert captured.err == 'error: 1 of the checks failed; the cures are above\n'


def test_a_fork_named_basicsr_is_found_in_a_folder_that_breaks_the_import(tmp_path: Path):
    (tmp_path / 'basicsr').mkdir()
    (tmp_path / 'basicsr/__init__.py').write_text('')
    command = [sys.executable, '-m', 'spikereveal_plugin.cli.spikereveal', 'doctor']
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout.startswith('FAIL  `import basicsr` finds ')
    assert 'pip install --force-reinstall' in run.stdout
    assert 'Traceback' not in run.stderr


def raising(error: Exception) -> Callable[..., Any]:
    def raise_it(*args: object, **kwargs: object) -> None:
        raise error

    return raise_it


@pytest.mark.parametrize(
    ('check', 'target', 'name', 'replacement', 'level'),
    [
        ('check_basicsr', _compat, 'check_basicsr_is_the_release', raising(EnvironmentProblemError('x. y')), FAIL),
        ('check_functional_tensor', _compat, 'restore_functional_tensor', raising(ImportError('gone')), FAIL),
        ('check_options', 'spikereveal_plugin.options', 'parse_yaml', lambda text, where: text, FAIL),
        ('check_options', 'spikereveal_plugin.options', 'check_keys', lambda *args: None, FAIL),
        (
            'check_lmdb',
            'spikereveal_plugin.formats.spike_lmdb.SpikeLmdbWriter',
            'put',
            raising(SpikeDataError('x')),
            FAIL,
        ),
        ('check_lmdb', doctor_stack, '_read_in_a_fork', lambda store: False, FAIL),
        ('check_checkpoints', 'spikereveal_plugin.models.checkpoint', 'save_checkpoint', lambda *args: None, FAIL),
        ('check_resume', 'spikereveal_plugin.pipelines.random_state', 'set_random_state', lambda state: None, FAIL),
        ('check_launcher', torch.distributed, 'init_process_group', raising(RuntimeError('no interface')), NOTE),
        ('check_liqe', doctor_stack.importlib.util, 'find_spec', lambda name: None, NOTE),
        ('check_video', 'spikereveal_plugin.visual.video', 'save_video', raising(SpikeDataError('no encoder')), FAIL),
        ('check_threads', torch, 'get_num_threads', lambda: 1000, NOTE),
    ],
)
def test_what_is_broken_is_found(
    check: str, target: Any, name: str, replacement: Any, level: str, monkeypatch: pytest.MonkeyPatch
):
    if isinstance(target, str):
        monkeypatch.setattr(f'{target}.{name}', replacement)
    else:
        monkeypatch.setattr(target, name, replacement)
    finding = CHECKS[check]()
    assert finding.level == level
    assert finding.cure


def test_versions_that_do_not_belong_together():
    finding = doctor_stack.check_torchvision('2.6.0+cu124', '0.20.1')
    assert (finding.level, finding.cure) == (FAIL, 'pip install torchvision==0.21.*')


def test_a_driver_without_a_torch_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert doctor_machine.check_cuda(tmp_path).level == FAIL
    assert doctor_machine.check_cuda(tmp_path / 'none').level == NOTE


def test_backbones_in_the_cache(tmp_path: Path):
    assert doctor_stack.check_lpips(tmp_path).text.startswith('LPIPS: vgg16 and alexnet not in')
    for file in doctor_stack.FEATURES.values():
        (tmp_path / file).touch()
    assert doctor_stack.check_lpips(tmp_path).level == OK


@pytest.mark.parametrize(('free', 'level'), [(5e8, FAIL), (1e12, OK)])
def test_space(free: float, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = type('Usage', (), {'free': free})()
    monkeypatch.setattr(doctor_machine.shutil, 'disk_usage', lambda folder: usage)
    assert doctor_machine.check_disk(tmp_path).level == level
    assert doctor_machine.check_shared_memory(tmp_path).level == level


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    assert doctor_machine.check_folder(tmp_path / 'gone').level == FAIL
    assert not list(tmp_path.iterdir())
