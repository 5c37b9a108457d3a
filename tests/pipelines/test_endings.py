"""A run ends, whatever ends it: a killed worker, an error that nobody foresaw, a launcher that is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.smoke
Stock = Callable[[Path], Path]
ALONE, TOGETHER = 10.0, 15.0  # seconds that an ending may take
FAULTY = """
import os
from basicsr.utils.registry import ARCH_REGISTRY, METRIC_REGISTRY
from basicsr.archs.srresnet_arch import MSRResNet

@METRIC_REGISTRY.register()
def calculate_nothing(img, img2, **kwargs):
    Faulty.scored += 1
    return 1 / 0 if Faulty.scored > 1 else 0

@ARCH_REGISTRY.register()
class Faulty(MSRResNet):
    calls = 0
    scored = 0

    def forward(self, x):
        Faulty.calls += 1
        if Faulty.calls == 4 and os.environ.get('RANK') == '1':
            raise KeyError('rank 1')
        return super().forward(x)
"""


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and theirs."""
    try:
        text = Path(f'/proc/{pid}/task/{pid}/children').read_text()
    except OSError:
        return []
    children = [int(word) for word in text.split()]
    return children + [other for child in children for other in descendants(child)]


def are_gone(pids: list[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(Path(f'/proc/{pid}/cmdline').exists() and Path(f'/proc/{pid}/cmdline').read_bytes() for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


class Run:
    """A training that goes on until something ends it, and what it says."""

    def __init__(self, folder: Path, words: list[str], *entries: str, log: str = 'log.txt') -> None:
        force = ['train:total_iter=100000', 'datasets:train:num_worker_per_gpu=2', *entries]
        self.log = folder / log
        with self.log.open('wb') as file:
            command = [*words, 'train', '-opt', 'stock.yml', '--import', 'faulty.py', '--force_yml', *force]
            environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
            self.process = subprocess.Popen(
                command + (['--launcher', 'pytorch'] if 'torch.distributed.run' in words else []),
                cwd=folder, env=environment, stdout=file, stderr=file,
            )  # fmt: skip

    def wait_for(self, text: str) -> list[int]:
        """Wait until the log holds a text; returns the processes that were started by then."""
        for _ in range(600):
            if text in self.said():
                return descendants(self.process.pid)
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)
        raise AssertionError(self.said())

    def said(self) -> str:
        return self.log.read_text(errors='replace')

    def errors(self) -> list[str]:
        return [line for line in self.said().splitlines() if line.startswith('error: ')]


MODULE = [sys.executable, '-m', 'spikereveal_plugin']
LAUNCHER = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2']
TOGETHER_MODULE = [*LAUNCHER, '-m', 'spikereveal_plugin']


@pytest.fixture
def folder(tmp_path: Path, stock: Stock) -> Path:
    stock(tmp_path)
    (tmp_path / 'faulty.py').write_text(FAULTY)
    return tmp_path


def test_a_worker_is_killed(folder: Path):
    run = Run(folder, MODULE)
    workers = run.wait_for('iter:       3')
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    assert run.process.wait(ALONE) == 1
    assert are_gone(workers, 1)
    assert len(run.errors()) == 1
    assert 'was killed' in run.errors()[0]
    assert 'Traceback' not in run.said()


def test_an_error_that_nobody_foresaw(folder: Path):
    run = Run(folder, MODULE, 'val:metrics={x: {type: calculate_nothing}}', 'val:save_best=~')
    workers = run.wait_for('iter:       6')
    assert run.process.wait(ALONE) == 1
    assert are_gone(workers, 1)
    (error,) = run.errors()
    assert error.startswith('error: ZeroDivisionError: division by zero, in faulty.py, line ')
    assert 'Traceback' not in run.said()


def test_two_trainings_of_one_name(folder: Path):
    run = Run(folder, MODULE)
    workers = run.wait_for('iter:       3')
    second = Run(folder, MODULE, log='second.txt')
    assert second.process.wait(60) == 1
    assert 'another process is training there' in second.errors()[0]
    assert [path.name for path in (folder / 'experiments').iterdir()] == ['stock']
    run.process.kill()  # the lock goes with it, whatever its workers still do
    run.process.wait()
    third = Run(folder, MODULE, 'train:total_iter=2', log='third.txt')
    assert third.process.wait(60) == 0, third.said()
    assert are_gone(workers, ALONE)


def test_one_of_two_processes_fails(folder: Path):
    run = Run(folder, TOGETHER_MODULE, 'network_g:type=Faulty')
    processes = run.wait_for('iter:       2')
    assert run.process.wait(TOGETHER) == 1
    assert are_gone(processes, 1)
    assert [error.startswith("error: KeyError: 'rank 1', in faulty.py, line ") for error in run.errors()] == [True]


def test_the_launcher_is_killed(folder: Path):
    run = Run(folder, TOGETHER_MODULE)
    processes = run.wait_for('iter:       3')
    assert len(processes) == 6
    run.process.kill()
    assert run.process.wait() == -signal.SIGKILL
    assert are_gone(processes, TOGETHER)
    assert all('the launcher is gone' in error for error in run.errors())
