"""A network and a restorer of one's own, as docs/extending.md shows them, through every command."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from spikereveal_plugin.cli.basicsr import main as basicsr
from spikereveal_plugin.cli.spikereveal import main as spikereveal
from spikereveal_plugin.recordings.open_split import open_split

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / 'docs/examples'
TRAIN = """
_base_: {options}/ldn_sample.yml
import: [toy_network]
name: my_toy
num_gpu: 0
network_g: {{_delete_: true, type: ToyNet, num_spike: 5}}
network_teacher: {{type: TaperedSDM}}
datasets:
  train: {{gt_size: 32, batch_size_per_gpu: 2, num_worker_per_gpu: 1}}
train: {{total_iter: 2}}
logger: {{save_checkpoint_freq: 2, use_tb_logger: false}}
"""
TEST = """
_base_: {options}/test_ldn_sample.yml
import: toy_network.py
name: my_toy_test
num_gpu: 0
network_g: {{_delete_: true, type: ToyNet, num_spike: 5}}
path: {{pretrain_network_g: experiments/my_toy/models/net_g_latest.pth}}
val: {{methods: [blur, sdm, student]}}
"""


@pytest.fixture
def workspace(tmp_path: Path, tiny_set: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / 'datasets').mkdir()
    (tmp_path / 'datasets/sample').symlink_to(tiny_set)
    for file in EXAMPLES.glob('*.py'):
        shutil.copy(file, tmp_path)
    for name, text in (('my_toy.yml', TRAIN), ('my_toy_test.yml', TEST)):
        (tmp_path / name).write_text(text.format(options=ROOT / 'options'))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.smoke
def test_a_network_of_ones_own_does_all_that_the_shipped_ones_do(workspace: Path, capsys: pytest.CaptureFixture[str]):
    assert basicsr(['train', '-opt', 'my_toy.yml']) == 0, capsys.readouterr().err
    weights = 'experiments/my_toy/models/net_g_latest.pth'
    card = torch.load(weights, weights_only=True)['card']
    assert card == {'network': {'type': 'ToyNet', 'num_spike': 5}, 'threshold': 1.0, 'density': 1.0}
    assert basicsr(['test', '-opt', 'my_toy_test.yml']) == 0, capsys.readouterr().err
    tested = {m['method']: m['mean'] for m in json.loads(Path('results/my_toy_test/sample.json').read_text())['means']}
    pack = ['weights', 'pack', weights, '-o', 'toy.pth', '--density', 'auto', '--import', 'toy_network.py']
    assert spikereveal(pack) == 0, capsys.readouterr().err
    assert torch.load('toy.pth', weights_only=True)['card']['density'] == 'auto'
    source = open_split(workspace / 'datasets/sample/test')
    np.save('spikes.npy', source.spikes(source.keys[0]))
    from spikereveal_plugin.recordings.image_file import save_image

    save_image(Path('photo.png'), source.blur(source.keys[0]))
    deblur = ['deblur', 'photo.png', 'spikes.npy', '-o', 'sharp', '--exposure', '20', '97', '--weights', 'toy.pth']
    assert spikereveal([*deblur, '--import', 'toy_network.py', '--frames', '3']) == 0, capsys.readouterr().err
    assert len(list(Path('sharp').glob('*.png'))) == 3
    compare = ['compare', 'blur', 'flicker', f'toy={weights}', '--data', 'datasets/sample/test', '-o', 'out']
    imports = ['--import', 'toy_network', '--import', 'toy_restorer.py']
    assert spikereveal([*compare, *imports, '--frames', 'middle']) == 0, capsys.readouterr().err
    scores = {s['method']: s['mean'] for s in json.loads(Path('out/compare.json').read_text())['scores']}
    assert set(scores) >= {'blur', 'flicker', 'toy'}
    assert set(tested) == {'blur', 'sdm', 'student'}


def test_contributing_shows_the_examples_as_they_are():
    text = (ROOT / 'docs/extending.md').read_text(encoding='utf-8')
    for file in EXAMPLES.glob('*.py'):
        assert file.read_text(encoding='utf-8').rstrip() in text


def test_an_unknown_type_names_the_door(workspace: Path, capsys: pytest.CaptureFixture[str]):
    assert basicsr(['train', '-opt', 'my_toy.yml', '--force_yml', 'network_g={type: NoNet}']) == 1
    error = capsys.readouterr().err
    assert "network_g: unknown type 'NoNet'" in error
    assert 'import: [its_module]' in error
