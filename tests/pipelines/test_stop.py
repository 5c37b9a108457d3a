"""Signals: the first asks and the run is saved, the second ends at once; a validation is not waited for."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.cli.basicsr import main
from spikereveal_plugin.models.collective import UntilStopped, ValidationStoppedError, share
from spikereveal_plugin.models.sample import ValidationSample
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.pipelines.stop import StopRequest

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
ASKS_FOR_EVER = """
import time
from spikereveal_plugin.pipelines.stop import StopRequest
with StopRequest() as stop:
    print('ready', flush=True)
    while True:
        if stop.is_asked():
            print('asked', flush=True)
        time.sleep(0.01)
"""


@pytest.mark.parametrize(('first', 'second'), [('SIGTERM', 'SIGTERM'), ('SIGINT', 'SIGTERM'), ('SIGTERM', 'SIGINT')])
def test_a_second_signal_ends_at_once(first: str, second: str):
    environment = {key: value for key, value in os.environ.items() if key != 'TORCHELASTIC_RUN_ID'}
    process = subprocess.Popen(
        [sys.executable, '-c', ASKS_FOR_EVER], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == 'ready\n'
    process.send_signal(getattr(signal, first))
    assert process.stdout.readline() == 'asked\n'
    assert process.poll() is None
    process.send_signal(getattr(signal, second))
    process.communicate(timeout=30)
    assert process.returncode == -getattr(signal, second)


def test_a_launcher_that_passes_a_signal_on_is_not_a_second_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('TORCHELASTIC_RUN_ID', '1')
    before = signal.getsignal(signal.SIGTERM)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.number == signal.SIGINT
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_share_of_a_loader_stops_as_it_does():
    class Samples(torch.utils.data.Dataset[int]):
        opt: ClassVar[dict[str, Any]] = {'name': 'few'}

        def __len__(self) -> int:
            return 5

        def __getitem__(self, index: int) -> int:
            return index

    seen: list[int] = []
    loader = UntilStopped(torch.utils.data.DataLoader(Samples()), lambda: len(seen) == 2)
    batches = iter(share(loader, 1, 2))
    seen += [int(next(batches)), -1]
    with pytest.raises(ValidationStoppedError):
        next(batches)
    assert seen == [1, -1]
    assert (len(loader), loader.dataset.opt['name']) == (5, 'few')


def command(name: str, *extra: str) -> list[str]:
    entries = ['network_g={type: BSN, num_feat: 4}', 'manual_seed=3', 'num_gpu=0', 'train:total_iter=4']
    entries += [f'name={name}', 'train:total_epoch=~', 'datasets:train:gt_size=32', 'logger:save_checkpoint_freq=4']
    entries += ['val:val_freq=2', 'val:metrics={psnr: {type: calculate_psnr, crop_border: 0}}', 'val:save_best=psnr']
    return ['train', '-opt', str(OPTIONS / 'bsn_sample.yml'), *extra, '--force_yml', *entries]


def final(name: str) -> Any:
    state = torch.load(f'experiments/{name}/training_states/4.state', weights_only=True)
    best, latest = (torch.load(f'experiments/{name}/models/net_g_{key}.pth', weights_only=True) for key in ('best', 4))
    return state['best'], best['params'], latest['params']


@pytest.mark.smoke
@pytest.mark.parametrize(('number', 'code'), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_validation_is_left_and_done_after_the_resume(
    number: int, code: int, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert main(command('whole')) == 0, capsys.readouterr().err
    seen: list[str] = []
    original = SpikeModel.sample

    def sample(self: Any, data: Any) -> ValidationSample:
        seen.append(data['lq_path'][0])
        if len(seen) == 1:
            os.kill(os.getpid(), number)
        return original(self, data)

    monkeypatch.setattr(SpikeModel, 'sample', sample)
    assert main(command('stopped')) == code
    assert len(seen) == 1  # of two samples
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith(f'error: stopped by {signal.Signals(number).name} at iteration 2, which is saved'), error
    state = torch.load('experiments/stopped/training_states/2.state', weights_only=True)
    assert not state['is_validated']
    assert main(command('stopped', '--auto_resume')) == 0, capsys.readouterr().err
    assert len(seen) == 1 + 2 + 2  # what was left out, and the last
    for ours, theirs in zip(final('stopped'), final('whole'), strict=True):
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            assert torch.equal(ours[key], value) if isinstance(value, torch.Tensor) else ours[key] == value


def test_what_is_best_is_not_guessed(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(METRIC_REGISTRY._obj_map, 'calculate_mine', lambda img, img2, **kwargs: 0.0)
    assert main([*command('x'), 'val:metrics={some: {type: calculate_mine}}', 'val:save_best=some']) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert 'val.metrics.some.better: val.save_best needs to know: expected higher or lower, found None' in error


def test_a_direction_that_is_none_is_refused(workspace: Path, capsys: pytest.CaptureFixture[str]):
    metric = 'val:metrics={some: {type: calculate_psnr, crop_border: 0, better: low}}'
    assert main([*command('x'), metric, 'val:save_best=some']) == 1
    assert "val.metrics.some.better: expected 'higher' or 'lower', found 'low'" in capsys.readouterr().err


@pytest.mark.smoke
def test_the_lowest_is_best_where_lower_is_better(workspace: Path, monkeypatch: pytest.MonkeyPatch):
    from spikereveal_plugin.models.report import Report

    scores = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(Report, 'result', lambda self: {'some': next(scores)})
    metric = 'val:metrics={some: {type: calculate_pyiqa, metric_name: piqe}}'
    assert main([*command('low'), metric, 'val:save_best=some', 'val:val_freq=1', 'train:total_iter=3']) == 0
    best = torch.load('experiments/low/models/net_g_best.pth', weights_only=True)['params']
    assert main([*command('short'), 'val=~', 'train:total_iter=2', 'train:scheduler:periods=[3]']) == 0
    second = torch.load('experiments/short/models/net_g_latest.pth', weights_only=True)['params']
    assert all(torch.equal(best[key], second[key]) for key in second)
