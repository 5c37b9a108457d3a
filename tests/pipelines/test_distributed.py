"""Two processes of torchrun on gloo do what one process does."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from spikereveal_plugin.cli.basicsr import main
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.pipelines.distributed import (
    Member,
    device_index,
    first_node,
    slurm_environment,
    slurm_member,
    torchrun_member,
)

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
LOSS = re.compile(r'iter:\s+(\d+).* (l_\w+): (\S+)')
COMMON = ['manual_seed=3', 'num_gpu=0', 'logger:print_freq=1', 'train:total_iter=4', 'train:total_epoch=~']


def torchrun(*words: str) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2']
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    command = [*launcher, '-m', 'spikereveal_plugin', *words, '--launcher', 'pytorch']
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def train(name: str, batch: int, *extra: str) -> list[str]:
    entries = [*COMMON, f'name={name}', f'datasets:train:batch_size_per_gpu={batch}', 'datasets:train:gt_size=32']
    entries += ['network_g={type: BSN, num_feat: 4}', 'datasets:train:num_worker_per_gpu=1', 'val:save_best=psnr']
    entries += ['val:val_freq=2', 'logger:save_checkpoint_freq=2', 'val:metrics={psnr: {type: calculate_psnr}}']
    entries += ['val:metrics={psnr: {type: calculate_psnr, crop_border: 0}}', 'datasets:train:dataset_enlarge_ratio=2']
    return ['train', '-opt', str(OPTIONS / 'bsn_sample.yml'), '--force_yml', *entries, *extra]


def losses(name: str) -> list[float]:
    log = next(Path('experiments', name).glob('*.log')).read_text()
    return [float(match.group(3)) for match in LOSS.finditer(log)]


@pytest.mark.smoke
def test_two_processes_train_and_validate_as_one(workspace: Path, capsys: pytest.CaptureFixture[str]):
    assert main(train('one', 2)) == 0, capsys.readouterr().err
    run = torchrun(*train('two', 1))
    assert run.returncode == 0, run.stderr
    assert len(losses('one')) == 4
    np.testing.assert_allclose(losses('two'), losses('one'), rtol=1e-4)
    weights = [
        torch.load(f'experiments/{n}/models/net_g_latest.pth', weights_only=True)['params'] for n in ('one', 'two')
    ]
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value, rtol=1e-3, atol=1e-5)
    state = torch.load('experiments/two/training_states/4.state', weights_only=True)
    assert len(state['random']) == 2
    assert len(list(Path('experiments/two').glob('*.log'))) == 1
    names = [
        sorted(p.relative_to(f'experiments/{n}').as_posix() for p in Path('experiments', n).rglob('*.*th'))
        for n in ('one', 'two')
    ]
    assert names[0] == names[1]
    resumed = torchrun(*train('two', 1, 'train:total_iter=6'), '--auto_resume')
    assert resumed.returncode == 0, resumed.stderr
    assert 'Resuming training from epoch' in resumed.stderr


@pytest.mark.smoke
def test_two_processes_test_as_one(workspace: Path, capsys: pytest.CaptureFixture[str]):
    entries = ['num_gpu=0', 'path:pretrain_network_g=~', 'val:methods=[blur, sdm]']
    command = ['test', '-opt', str(OPTIONS / 'test_ldn_sample.yml'), '--force_yml', *entries]
    assert main([*command, 'name=one']) == 0, capsys.readouterr().err
    run = torchrun(*command, 'name=two')
    assert run.returncode == 0, run.stderr
    one, two = (Path('results', name) for name in ('one', 'two'))
    assert json.loads((one / 'sample.json').read_text()) == json.loads((two / 'sample.json').read_text())
    files = [
        sorted(p.relative_to(root).as_posix() for p in root.rglob('*.*') if p.suffix != '.log') for root in (one, two)
    ]
    assert files[0] == files[1]


@pytest.mark.smoke
def test_a_stock_model_is_validated_in_shares_and_an_error_is_said_once(
    workspace: Path, stock: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
):
    stock(workspace)
    gpu = ['num_gpu=1', 'dist_params={backend: nccl, port: 29500}']  # a stock model, whose file asks for NCCL
    few = ['datasets:train:batch_size_per_gpu=1', 'datasets:train:num_worker_per_gpu=0', 'train:total_iter=4']
    often = ['val:val_freq=2', 'logger:save_checkpoint_freq=2']
    command = ['train', '-opt', 'stock.yml', '--force_yml', *gpu, *few, *often]
    run = torchrun(*command)
    assert run.returncode == 0, run.stderr
    assert (workspace / 'experiments/stock/models/net_g_best.pth').is_file()
    weights = ['path:pretrain_network_g=experiments/stock/models/net_g_latest.pth', 'path:param_key_g=params_ema']
    assert main(['test', '-opt', 'stock.yml', '--force_yml', *weights]) == 0  # three samples, of which two had one
    scores = [re.findall(r'# psnr: (\S+)', text) for text in (run.stderr, capsys.readouterr().err)]
    assert len(scores[0]) == 2  # of two validations, each said once
    assert scores[0][-1:] == scores[1]
    run = torchrun(*command, 'train:pixel_opt:loss_weight=.inf')
    assert run.returncode == 1
    assert run.stderr.count('error: the loss is not finite at iteration 1') == 1
    assert 'learning rate 0.0002' in run.stderr
    assert 'Traceback' not in run.stderr.partition('error: ')[0]


def test_torchruns_environment():
    known = {'RANK': '5', 'WORLD_SIZE': '8', 'LOCAL_RANK': '1', 'MASTER_ADDR': 'a', 'MASTER_PORT': '1'}
    assert torchrun_member(known, None) == Member(5, 8, 1)
    assert torchrun_member(known, 0) == Member(5, 8, 1)
    without = {key: value for key, value in known.items() if key != 'LOCAL_RANK'}
    assert torchrun_member(without, 3).local_rank == 3
    with pytest.raises(OptionError, match='LOCAL_RANK is not set; start with `torchrun'):
        torchrun_member(without, None)


def test_slurms_environment():
    known = {'SLURM_PROCID': '5', 'SLURM_NTASKS': '8', 'SLURM_LOCALID': '1', 'SLURM_JOB_ID': '20007'}
    assert slurm_member(known) == Member(5, 8, 1)
    with pytest.raises(OptionError, match='SLURM_PROCID is not set; start with `srun'):
        slurm_member({})
    known['SLURM_JOB_NODELIST'] = 'gpu[03-05]'
    assert slurm_environment(known, None) == {'MASTER_ADDR': 'gpu03', 'MASTER_PORT': '15007'}
    assert slurm_environment(known, 29500)['MASTER_PORT'] == '29500'
    assert slurm_environment({**known, 'MASTER_ADDR': 'me', 'MASTER_PORT': '7'}, None) == {
        'MASTER_ADDR': 'me',
        'MASTER_PORT': '7',
    }


@pytest.mark.parametrize(
    ('nodes', 'first'),
    [
        ('node7', 'node7'),
        ('a1,b2', 'a1'),
        ('gpu[003-005,9],login', 'gpu003'),
        ('gpu[12,14-16]', 'gpu12'),
        ('rack[1-2]n[04-05].cluster,x', 'rack1n04.cluster'),
    ],
)
def test_the_first_node(nodes: str, first: str):
    """Examples in the syntax of `scontrol show hostnames`."""
    assert first_node(nodes) == first


def test_no_node_is_an_error():
    with pytest.raises(OptionError, match='set MASTER_ADDR'):
        first_node('')


def test_a_gpu_for_every_process():
    assert [device_index(rank, 2, 'pytorch') for rank in (0, 1)] == [0, 1]
    assert device_index(3, 1, 'slurm') == 0
    with pytest.raises(OptionError, match='has 2 GPUs for process 3 of it'):
        device_index(2, 2, 'pytorch')
