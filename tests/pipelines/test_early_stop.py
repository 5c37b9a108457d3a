"""A run ends by itself once its validation no longer gets better, also a resumed one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.cli.basicsr import main
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.pipelines.early_stop import EarlyStop


def early_stop(folder: Path, better: str = 'lower', **section: Any) -> EarlyStop:
    metrics = {'m': {'type': 'x', 'better': better}}
    val = {'val_freq': 5, 'metrics': metrics, 'early_stop': {'metric': 'm', **section}}
    return EarlyStop({'val': val, 'path': {'experiments_root': str(folder)}})


@pytest.mark.parametrize(
    ('better', 'section', 'scores', 'ends'),
    [
        ('lower', {'patience': 2}, [5, 4, 3, 2, 1], None),
        ('lower', {'patience': 2}, [5, 4, 4, 4.5], 3),  # equal is not better
        ('lower', {'patience': 2}, [5, 4, 4.5, 3.9, 4, 4], 5),  # a better one begins the count again
        ('higher', {'patience': 1}, [1, 2, 3, 2.9], 3),
        ('lower', {'patience': 2, 'min_delta': 0.5}, [5, 4.6, 4.4, 4, 3.95, 3.91], 4),  # 4.6 waits, 4.4 is 0.6 better
        ('lower', {}, [1, 2, 2, 2, 2, 2], 5),
    ],
)
def test_when_it_is_over(better: str, section: dict[str, Any], scores: list[float], ends: int | None, tmp_path: Path):
    stop = early_stop(tmp_path, better, **section)
    over = []
    for number, score in enumerate(scores):
        stop.add(5 * number, score)
        over.append(stop.is_over)
    assert over == [ends is not None and number >= ends for number in range(len(scores))]


def test_scores_after_a_resumed_iteration_are_forgotten(tmp_path: Path):
    stop = early_stop(tmp_path, patience=2)
    for number, score in enumerate([3, 4, 5]):
        stop.add(number, score)
    stop.add(1, 2)
    assert stop.scores == [(0, 3), (1, 2)]
    assert not stop.is_over
    stop.save()
    content = json.loads((tmp_path / 'early_stop.json').read_text())
    assert content == {'metric': 'm', 'better': 'lower', 'is_over': False, 'scores': [[0, 3], [1, 2]]}


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        ({'early_stop': {'metric': 'n'}}, r"val\.early_stop\.metric: unknown value 'n'"),
        ({'early_stop': {'metric': 'm', 'patients': 3}}, "Did you mean 'patience'"),
        ({'early_stop': {'metric': 'm', 'patience': 0}}, 'patience: expected at least 1'),
        ({'early_stop': {'metric': 'm', 'min_delta': -1}}, 'min_delta: expected 0 or more'),
        ({'early_stop': {}}, r'missing option\(s\): metric'),
        ({'val_freq': None}, r'val\.early_stop needs val\.val_freq'),
        ({'metrics': {'m': {'type': 'x'}}}, r'val\.early_stop needs to know: expected higher or lower'),
    ],
)
def test_mistakes_are_said(change: dict[str, Any], match: str, tmp_path: Path):
    val = {'val_freq': 5, 'metrics': {'m': {'type': 'x', 'better': 'lower'}}, 'early_stop': {'metric': 'm'}, **change}
    with pytest.raises(OptionError, match=match):
        EarlyStop({'val': val, 'path': {'experiments_root': str(tmp_path)}})


@pytest.mark.smoke
@pytest.mark.filterwarnings('ignore')  # of BasicSR's own code
def test_a_stock_run_stops_and_resumes_as_if_it_had_not(
    tmp_path: Path, stock: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Scores 5, 4, then worse: over after the validations at 0, 2, 4 and 6."""
    falling = {0: 5.0, 2: 4.0, 3: 9.0, 4: 4.5, 6: 4.2}
    asked: list[int] = []

    def mine(img: Any, img2: Any, **kwargs: Any) -> float:
        return falling[asked[-1]] if asked else 0.0  # before the first, it is tried

    monkeypatch.setitem(METRIC_REGISTRY._obj_map, 'calculate_mine', mine)
    from basicsr.models.sr_model import SRModel

    original = SRModel.nondist_validation

    def validation(self: Any, loader: Any, current_iter: int, tb_logger: Any, save_img: bool) -> None:
        asked.append(current_iter)
        original(self, loader, current_iter, tb_logger, save_img)

    monkeypatch.setattr(SRModel, 'nondist_validation', validation)
    monkeypatch.chdir(tmp_path)
    entries = ['val:metrics={m: {type: calculate_mine, better: lower}}', 'val:save_best=m', 'val:val_freq=2']
    entries += ['val:at_start=true', 'val:early_stop={metric: m, patience: 2}', 'logger:save_checkpoint_freq=3']
    entries += ['datasets:train:num_worker_per_gpu=0', 'datasets:train:prefetch_mode=~']
    command = ['train', '-opt', str(stock(tmp_path)), '--force_yml', *entries]
    assert main([*command, 'name=whole']) == 0, capsys.readouterr().err
    assert asked == [0, 2, 4, 6]
    assert 'Stopped at iteration 6: m no longer gets better.' in capsys.readouterr().err
    whole = torch.load('experiments/whole/training_states/6.state', weights_only=True)
    assert whole['early_stop'] == [[0, 5.0], [2, 4.0], [4, 4.5], [6, 4.2]]
    assert whole['best']['handful val']['m'] == {'better': 'lower', 'val': 4.0, 'iter': 2}
    assert main([*command, 'name=parts', 'train:total_iter=3', 'val:at_start=true']) == 0, capsys.readouterr().err
    asked.clear()
    assert main([*command, 'name=parts', '--auto_resume']) == 0, capsys.readouterr().err
    assert asked == [4, 6]
    parts = torch.load('experiments/parts/training_states/6.state', weights_only=True)
    assert parts['early_stop'] == whole['early_stop']
    asked.clear()
    assert main([*command, 'name=parts', '--auto_resume']) == 0, capsys.readouterr().err
    assert asked == []
