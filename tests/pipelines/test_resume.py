"""A run that was killed or stopped goes on as if nothing had happened, bit for bit."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from spikereveal_plugin.cli.basicsr import main
from spikereveal_plugin.pipelines.checkpoints import prune

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
TOTAL = 40
NETWORKS = {'edsr': '{type: SpikeEDSR, num_feat: 4, num_block: 1}', 'bsn': '{type: BSN, num_feat: 4}'}
pytestmark = pytest.mark.smoke


@pytest.fixture
def workspace(workspace: Path, stock: Callable[[Path], Path]) -> Path:
    stock(workspace)
    return workspace


def command(kind: str, name: str, **extra: Any) -> list[str]:
    """A run of 40 iterations in epochs that a checkpoint does not fall on the end of."""
    if kind == 'stock':
        entries, file = [], Path('stock.yml')
    else:
        file = OPTIONS / f'{kind}_sample.yml'
        workers, ema = (2, 0.9) if kind == 'edsr' else (0, 0.0)
        entries = [f'network_g={NETWORKS[kind]}', 'manual_seed=3', 'num_gpu=0', f'train:total_iter={TOTAL}']
        entries += ['train:total_epoch=~', f'train:ema_decay={ema}', f'datasets:train:num_worker_per_gpu={workers}']
        entries += ['datasets:train:gt_size=32', 'datasets:train:batch_size_per_gpu=1', 'val:val_freq=7']
        entries += ['datasets:train:dataset_enlarge_ratio=2', 'logger:save_checkpoint_freq=5', 'val:save_best=psnr']
        entries += ['logger:print_freq=1', 'val:metrics={psnr: {type: calculate_psnr, crop_border: 0}}']
    entries += [f'{key}={value}' for key, value in extra.items()]
    return ['train', '-opt', str(file), '--force_yml', f'name={name}', *entries]


def start(words: list[str], until: int) -> subprocess.Popen[str]:
    """Run a command in a process of its own up to an iteration."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'spikereveal_plugin.cli.basicsr', *words], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if f'iter:{until:8,d}' in line:
            return process
    raise AssertionError(f'ended with {process.wait()} before iteration {until}')


def final(name: str) -> dict[str, Any]:
    folder = Path('experiments') / name
    state = torch.load(folder / f'training_states/{TOTAL}.state', weights_only=True)
    names = ('latest', 'best')
    networks = {key: torch.load(folder / f'models/net_g_{key}.pth', weights_only=True) for key in names}
    return {'state': state, **networks}


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert one == other


@pytest.mark.filterwarnings('ignore')  # of BasicSR's own code
@pytest.mark.parametrize('kind', ['edsr', 'stock'])
def test_kill_and_resume_is_bit_exact(kind: str, workspace: Path, capsys: pytest.CaptureFixture[str]):
    """EMA, best score, worker processes; killed anywhere, also before the first checkpoint."""
    assert main(command(kind, 'whole')) == 0, capsys.readouterr().err
    when = random.SystemRandom().randint(2, TOTAL - 1)
    process = start(command(kind, 'killed'), when)
    process.kill()
    process.communicate()
    assert main([*command(kind, 'killed'), '--auto_resume']) == 0, capsys.readouterr().err
    assert_same(final('killed'), final('whole'))
    if when > 6:
        assert 'Resuming training from epoch' in capsys.readouterr().err, f'killed at {when}'


def test_sigterm_saves_and_exits(workspace: Path, capsys: pytest.CaptureFixture[str]):
    """BSN draws its instants from the model's random numbers; the stop falls on no checkpoint of its own."""
    assert main(command('bsn', 'whole')) == 0, capsys.readouterr().err
    process = start(command('bsn', 'stopped'), 13)
    process.send_signal(signal.SIGTERM)
    error = process.communicate()[1]
    assert process.returncode == 128 + signal.SIGTERM
    last = error.strip().splitlines()[-1]
    assert last.startswith('error: stopped by SIGTERM at iteration'), error
    assert 'Traceback' not in error
    saved = int(last.partition('iteration ')[2].split(',')[0])
    assert Path(f'experiments/stopped/training_states/{saved}.state').is_file()
    assert main([*command('bsn', 'stopped'), '--auto_resume']) == 0, capsys.readouterr().err
    assert_same(final('stopped'), final('whole'))


def test_only_the_last_and_the_best_stay(workspace: Path, capsys: pytest.CaptureFixture[str]):
    assert main(command('bsn', 'few', **{'logger:keep_last': 2})) == 0, capsys.readouterr().err
    states = {path.name for path in Path('experiments/few/training_states').iterdir()}
    models = {path.name for path in Path('experiments/few/models').iterdir()}
    assert states == {'35.state', '40.state'}
    assert models == {'net_g_35.pth', 'net_g_40.pth', 'net_g_latest.pth', 'net_g_best.pth'}
    every = {'logger:save_checkpoint_freq': 1, 'logger:keep_last': '~'}
    assert main(command('bsn', 'all', **every)) == 0, capsys.readouterr().err
    best = torch.load('experiments/all/models/net_g_best.pth', weights_only=True)
    assert_same(best, torch.load(f'experiments/all/models/net_g_{best_iteration(capsys)}.pth', weights_only=True))


def best_iteration(capsys: pytest.CaptureFixture[str]) -> int:
    """As BasicSR logs it: `Best: 20.1 @ 35 iter`."""
    line = [line for line in capsys.readouterr().err.splitlines() if '# psnr:' in line][-1]
    return int(line.partition('@ ')[2].split()[0])


def test_a_loss_that_is_not_finite_ends_the_run(workspace: Path, capsys: pytest.CaptureFixture[str]):
    assert main(command('edsr', 'wild', **{'train:pixel_opt:loss_weight': '.inf'})) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith('error: the loss is not finite at iteration 1 (l_pix: inf), learning rate 0.0005, samples ')
    assert any(key in error for key in (Path('datasets/sample/train/blur.lmdb/meta_info.txt').read_text().split()))
    assert not list(Path('experiments/wild/models').iterdir())


@pytest.mark.parametrize(
    ('extra', 'match'),
    [
        ({'val:save_best': 'psnrr'}, "val.save_best: unknown value 'psnrr'. Did you mean 'psnr'"),
        ({'logger:keep_last': 0}, 'logger.keep_last: expected'),
    ],
)
@pytest.mark.parametrize('kind', ['bsn', 'stock'])
def test_mistakes_are_said(
    kind: str, extra: dict[str, Any], match: str, workspace: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(command(kind, 'x', **extra)) == 1
    assert match in capsys.readouterr().err.splitlines()[-1]


def test_the_highest_iterations_are_kept_whatever_the_clock_said(tmp_path):
    for folder in ('states', 'models'):
        (tmp_path / folder).mkdir()
    for iteration in (5, 10, 100, 1000):
        for file in (tmp_path / f'states/{iteration}.state', tmp_path / f'models/net_g_{iteration}.pth'):
            file.touch()
            os.utime(file, (2e9 - iteration, 2e9 - iteration))  # the oldest is dated last
    prune(tmp_path / 'states', tmp_path / 'models', 2)
    assert sorted(path.name for path in (tmp_path / 'states').iterdir()) == ['100.state', '1000.state']
    assert sorted(path.name for path in (tmp_path / 'models').iterdir()) == ['net_g_100.pth', 'net_g_1000.pth']
