"""Every metric's protocol in words, and the direction that picks the best checkpoint."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pyiqa
import pytest

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.metrics.protocol import protocol, with_directions
from spikereveal_plugin.pipelines.setup import prepare_options


@pytest.mark.parametrize(
    ('section', 'label', 'better'),
    [
        ({'type': 'calculate_psnr', 'crop_border': 4, 'test_y_channel': True}, 'basicsr Y crop 4', 'higher'),
        ({'type': 'calculate_ssim', 'crop_border': 0}, 'basicsr RGB crop 0', 'higher'),
        ({'type': 'calculate_niqe', 'crop_border': 0}, 'basicsr Y crop 0', 'lower'),
        ({'type': 'calculate_ssim_paper'}, 'paper', 'higher'),
        ({'type': 'calculate_pyiqa', 'metric_name': 'liqe'}, 'pyiqa liqe full size', 'higher'),
        (
            {'type': 'calculate_pyiqa', 'metric_name': 'liqe_mix', 'resize_short': 384},
            'pyiqa liqe_mix short side 384',
            'higher',
        ),
        ({'type': 'calculate_pyiqa', 'metric_name': 'lpips'}, 'pyiqa lpips full size', 'lower'),
        ({'type': 'calculate_mine', 'better': 'lower'}, 'calculate_mine', 'lower'),
    ],
)
def test_label_and_direction(section: dict[str, Any], label: str, better: str):
    assert (protocol(section).label, protocol(section).better) == (label, better)


def test_directions_are_those_of_pyiqas_metrics():
    """What pyiqa's made metrics say of themselves, of those that need no weights."""
    for name in ('piqe', 'psnr', 'ssim', 'gmsd', 'vsi'):
        made = pyiqa.create_metric(name, device='cpu')
        expected = 'lower' if made.lower_better else 'higher'
        assert protocol({'type': 'calculate_pyiqa', 'metric_name': name}).better == expected


def test_known_directions_are_filled_in_and_others_left():
    metrics = {
        'piqe': {'type': 'calculate_pyiqa', 'metric_name': 'piqe'},
        'psnr': {'type': 'calculate_psnr', 'crop_border': 0},
        'mine': {'type': 'calculate_mine'},
    }
    directed = with_directions(metrics)
    assert [section.get('better') for section in directed.values()] == ['lower', 'higher', None]
    assert 'better' not in metrics['piqe']


@pytest.mark.parametrize(
    ('section', 'match'),
    [
        (
            {'type': 'calculate_pyiqa', 'metric_name': 'piqe', 'better': 'higher'},
            r"val\.metrics\.x\.better: 'higher', but of calculate_pyiqa pyiqa piqe full size lower is better",
        ),
        ({'type': 'calculate_mine', 'better': 'more'}, r"val\.metrics\.x\.better: expected 'higher' or 'lower'"),
        ({'type': 'calculate_pyiqa', 'metric_name': 'liqe_mx'}, "unknown metric_name 'liqe_mx'. Close to it: liqe_mix"),
        ({'type': 'calculate_pyiqa'}, "unknown metric_name ''"),
    ],
)
def test_what_contradicts_is_refused(section: dict[str, Any], match: str):
    with pytest.raises(OptionError, match=match):
        with_directions({'x': section})


def test_the_best_checkpoint_is_the_one_with_the_lowest_piqe(tmp_path: Path):
    """Through BasicSR's own record of best scores, from an option file that says nothing of the direction."""
    from basicsr.models.base_model import BaseModel

    path = tmp_path / 'stock.yml'
    path.write_text(
        'name: stock\nmodel_type: SRModel\nnum_gpu: 0\ndatasets: {val: {name: a, type: PairedImageDataset}}\n'
        'val: {metrics: {piqe: {type: calculate_pyiqa, metric_name: piqe}}}\n'
    )
    args = Namespace(opt=str(path), force_yml=None, launcher='none', local_rank=0, auto_resume=False, debug=False)
    model = BaseModel.__new__(BaseModel)
    model.opt = prepare_options(args, is_train=True)
    model._initialize_best_metric_results('a')
    for iteration, score in enumerate((40.0, 30.0, 50.0)):
        model._update_best_metric_result('a', 'piqe', score, iteration)
    assert model.best_metric_results['a']['piqe'] == {'better': 'lower', 'val': 30.0, 'iter': 1}
