"""What a run shows in TensorBoard: losses, metrics and panels of validation samples, read back from its event file."""

import sys
from argparse import Namespace
from importlib.machinery import ModuleSpec
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from spikereveal_plugin.cli.basicsr import main
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb

OPTIONS = Path(__file__).resolve().parents[2] / 'options'


@pytest.mark.smoke
@pytest.mark.filterwarnings('ignore')  # of TensorBoard's own code
def test_losses_metrics_and_panels_are_in_the_event_file(
    tmp_path: Path, tiny_set: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (tmp_path / 'datasets').mkdir()
    (tmp_path / 'datasets/sample').symlink_to(tiny_set)
    monkeypatch.chdir(tmp_path)
    wandb, started = ModuleType('wandb'), []
    vars(wandb).update(__spec__=ModuleSpec('wandb', None), util=Namespace(generate_id=lambda: 'one'))
    vars(wandb).update(init=lambda **given: started.append(given))
    monkeypatch.setitem(sys.modules, 'wandb', wandb)
    entries = ['num_gpu=0', 'train:total_iter=2', 'logger:print_freq=1', 'logger:use_tb_logger=true', 'val:val_freq=1']
    entries += ['datasets:train:gt_size=32', 'datasets:train:batch_size_per_gpu=2', 'val:num_panels=1']
    entries += ['logger:wandb={project: spikes}']
    assert main(['train', '-opt', str(OPTIONS / 'supervised_ldn_sample.yml'), '--force_yml', *entries]) == 0, (
        capsys.readouterr().err
    )
    assert [(given['project'], given['sync_tensorboard']) for given in started] == [('spikes', True)]
    events = EventAccumulator(str(tmp_path / 'tb_logger/supervised_ldn_sample'), size_guidance={'images': 0})
    events.Reload()
    assert [event.step for event in events.Scalars('losses/l_pix')] == [1, 2]
    assert [event.step for event in events.Scalars('metrics/sample test/psnr')] == [1, 2]
    blurs = ImageLmdb(tiny_set / 'test/blur.lmdb')
    key = blurs.keys[0]
    assert events.Tags()['images'] == [f'samples/sample test/{key}']  # one of the two samples
    shown = events.Images(f'samples/sample test/{key}')
    assert [event.step for event in shown] == [1, 2]
    picture = np.asarray(Image.open(BytesIO(shown[0].encoded_image_string)))
    gap, (height, width) = 2, blurs.shapes[key]
    assert picture.shape[1] == gap + 5 * (width + gap)  # blur, TFP, SDM, student, sharp in one row
    columns = [gap + tile * (width + gap) for tile in range(5)]
    tiles = [picture[-gap - height : -gap, left : left + width] for left in columns]
    np.testing.assert_array_equal(tiles[0], blurs.read(key))
    np.testing.assert_array_equal(tiles[4], ImageLmdb(tiny_set / 'test/sharp.lmdb').read(key))
    assert (tiles[1] == tiles[1][..., :1]).all()  # spikes are gray


@pytest.mark.smoke
@pytest.mark.filterwarnings('ignore')  # of TensorBoard's own code
def test_stock_models_show_panels_where_they_are_asked_for(stock, tmp_path, monkeypatch, capsys):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    stock(tmp_path)
    force = ['train:total_iter=4', 'val:val_freq=2', 'logger:use_tb_logger=true', 'datasets:train:num_worker_per_gpu=0']
    for name, more in (('without', []), ('with', ['val:num_panels=2'])):
        entries = [*force, 'datasets:train:prefetch_mode=~', f'name={name}', *more]
        assert main(['train', '-opt', 'stock.yml', '--force_yml', *entries]) == 0, capsys.readouterr().err
    events = EventAccumulator(str(tmp_path / 'tb_logger/with'), size_guidance={'images': 0})
    events.Reload()
    assert len(events.Tags()['images']) == 2
    shown = events.Images(events.Tags()['images'][0])
    assert [event.step for event in shown] == [2, 4]
    picture = np.asarray(Image.open(BytesIO(shown[-1].encoded_image_string)))
    assert picture.shape[1] == 2 + 3 * 66  # input, result and sharp image of 64 pixels each
    weights = [
        torch.load(f'experiments/{name}/models/net_g_latest.pth', weights_only=True) for name in ('without', 'with')
    ]
    assert all(torch.equal(value, weights[1]['params'][key]) for key, value in weights[0]['params'].items())


@pytest.mark.parametrize(
    ('entry', 'match'),
    [
        ('logger:use_tb_logger=false', 'logger.wandb: what it shows comes from TensorBoard'),
        ('logger:use_tb_logger=true', 'logger.wandb: `pip install wandb`'),
        ('val:num_panels=-1', 'val.num_panels: expected 0 or more, found -1'),
    ],
)
def test_what_cannot_be_shown_is_refused(
    entry: str, match: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, 'wandb', None)  # as if it were not installed
    command = ['train', '-opt', str(OPTIONS / 'supervised_ldn_sample.yml'), '--force_yml', 'num_gpu=0', entry]
    assert main([*command, 'logger:wandb={project: spikes}']) == 1
    assert match in capsys.readouterr().err.splitlines()[-1]
