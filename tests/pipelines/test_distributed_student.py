"""The student's step, with a backward pass for each instant, in two processes of batch 1 equals one of batch 2."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from spikereveal_plugin.archs import BSN, SpikeEDSR
from spikereveal_plugin.cli.basicsr import main

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
pytestmark = pytest.mark.smoke


@pytest.fixture
def workspace(workspace: Path) -> Path:
    """With weights of LPIPS and of a small teacher beside the data set."""
    torch.manual_seed(0)
    features = torchvision.models.alexnet(weights=None).features.state_dict()
    torch.save({f'features.{key}': value for key, value in features.items()}, workspace / 'alex.pth')
    torch.save({'params': BSN(num_feat=4).state_dict()}, workspace / 'bsn.pth')
    torch.save({'params': SpikeEDSR(num_feat=8, num_block=1).state_dict()}, workspace / 'sr.pth')
    return workspace


def command(name: str, batch: int) -> list[str]:
    """Three iterations of which two make a step, so that the last one's gradients are in the state as they are."""
    entries = [f'name={name}', 'manual_seed=3', 'num_gpu=0', 'val=~', 'train:total_iter=3', 'logger:print_freq=1']
    entries += ['logger:save_checkpoint_freq=1', 'logger:keep_last=~', 'datasets:train:gt_size=32']
    entries += [f'datasets:train:batch_size_per_gpu={batch}', 'datasets:train:dataset_enlarge_ratio=2']
    entries += ['network_bsn:num_feat=4', 'network_sr={type: SpikeEDSR, num_feat: 8, num_block: 1}']
    entries += ['path:pretrain_network_bsn=bsn.pth', 'path:pretrain_network_sr=sr.pth', 'train:ema_decay=0.5']
    entries += ['train:distill_opt={type: LPIPSLoss, net: alex, backbone_path: alex.pth}', 'train:grad_clip=0.05']
    entries += ['train:reblur_opt:loss_weight=100', 'train:accumulate=2', 'network_g:starts_from_blur=false']
    return ['train', '-opt', str(OPTIONS / 'ldn_sample.yml'), '--force_yml', *entries]


def load(name: str, file: str) -> Any:
    return torch.load(Path('experiments', name, file), weights_only=True)


def assert_near(ours: dict[Any, torch.Tensor], theirs: dict[Any, torch.Tensor], tolerance: float) -> None:
    """Every tensor to `tolerance` of its own length."""
    assert ours.keys() == theirs.keys()
    assert ours
    for key, value in theirs.items():
        assert value.norm() > 0, key
        assert (ours[key] - value).norm() <= tolerance * value.norm(), key


def test_gradients_losses_and_average_are_those_of_one_process(workspace: Path, capsys: pytest.CaptureFixture[str]):
    assert main(command('one', 2)) == 0, capsys.readouterr().err
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2']
    words = [*launcher, '-m', 'spikereveal_plugin', *command('two', 1), '--launcher', 'pytorch']
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    run = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    logged = [
        [
            line.partition('l_distill')[2]
            for line in next(Path('experiments', name).glob('*.log')).read_text().split('\n')
        ]
        for name in ('one', 'two')
    ]
    losses = [[line for line in lines if line] for lines in logged]
    assert len(losses[0]) == 3
    numbers = [[[float(word) for word in line.split() if word[0].isdigit()] for line in lines] for lines in losses]
    torch.testing.assert_close(torch.tensor(numbers[1]), torch.tensor(numbers[0]), rtol=2e-4, atol=0)  # 5 digits logged
    first, second, third = ([load(name, f'training_states/{i}.state') for name in ('two', 'one')] for i in (1, 2, 3))
    assert_near(*(state['extra']['descent']['grads'] for state in first), 1e-5)
    moments = [{key: kept['exp_avg'] for key, kept in state['optimizers'][0]['state'].items()} for state in second]
    assert_near(*moments, 1e-5)  # of clipped gradients: a tenth of them
    total = torch.cat([moment.flatten() for moment in moments[1].values()]).norm().item()
    assert total == pytest.approx(0.1 * 0.05, rel=1e-3)
    assert_near(*(state['extra']['descent']['grads'] for state in third), 1e-3)  # after a step of Adam
    for key in ('params', 'params_ema'):
        assert_near(*(load(name, 'models/net_g_latest.pth')[key] for name in ('two', 'one')), 1e-3)
