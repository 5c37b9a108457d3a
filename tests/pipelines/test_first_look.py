"""What a validation needs is looked at before the first iteration; a validation that fails costs no checkpoint."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.cli.basicsr import main

pytestmark = pytest.mark.smoke
Stock = Callable[[Path], Path]
TIMES: list[int] = []


@METRIC_REGISTRY.register()
def calculate_later(img, img2, **kwargs):
    """Fails when it is called a second time."""
    TIMES.append(0)
    return 1 / 0 if len(TIMES) > 1 else 1.0


BAD = {
    'unknown metric': (['val:metrics:psnr:type=calculate_psn'], "Did you mean 'calculate_psnr'"),
    'no type': (['val:metrics:psnr={crop_border: 0}'], 'val.metrics.psnr: expected a section with a `type`'),
    'no argument': (
        ['val:metrics:psnr={type: calculate_psnr}'],
        "argument: 'crop_border'",
    ),
    'no weights': (['val:metrics={x: {type: calculate_pyiqa, metric_name: liqe}}', 'val:save_best=~'], 'liqe'),
    'empty set': (['datasets:val:dataroot_gt=empty', 'datasets:val:dataroot_lq=empty'], 'holds no sample'),
    'no sharp': (
        ['datasets:val={name: v, type: SingleImageDataset, dataroot_lq: lq, io_backend: {type: disk}}'],
        'has none; set dataroot_gt',
    ),
}


@pytest.fixture
def folder(tmp_path: Path, stock: Stock, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stock(tmp_path)
    (tmp_path / 'empty').mkdir()
    return tmp_path


def train(*entries: str) -> int:
    force = ['datasets:train:num_worker_per_gpu=0', 'datasets:train:prefetch_mode=~', *entries]
    return main(['train', '-opt', 'stock.yml', '--force_yml', *force])


@pytest.mark.parametrize(('entries', 'said'), BAD.values(), ids=BAD)
def test_found_before_the_first_iteration(entries, said, folder, capsys, monkeypatch):
    monkeypatch.delenv('IQA_WEIGHTS', raising=False)
    assert train(*entries) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.splitlines()[-1].startswith('error: ')
    assert not list(folder.glob('experiments/*/models/*.pth'))


def test_a_validation_that_fails_costs_no_checkpoint(folder, capsys):
    TIMES.clear()
    metric = ['val:metrics={later: {type: calculate_later}}', 'val:save_best=~']
    assert train(*metric, 'val:val_freq=5', 'train:total_iter=8') == 1
    assert 'ZeroDivisionError' in capsys.readouterr().err
    assert (folder / 'experiments/stock/models/net_g_5.pth').is_file()
    state = torch.load(folder / 'experiments/stock/training_states/5.state', weights_only=True)
    assert state['is_validated'] is False


def test_looking_uses_no_random_numbers(folder):
    entries = ['train:total_iter=5', 'datasets:train:num_worker_per_gpu=0']
    assert train(*entries, 'name=with') == 0
    assert train(*entries, 'name=without', 'val=~') == 0
    weights = [
        torch.load(f'experiments/{n}/models/net_g_5.pth', weights_only=True)['params'] for n in ('with', 'without')
    ]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
