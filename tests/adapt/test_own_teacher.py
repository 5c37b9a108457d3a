"""Weights for any density teach themselves; the rest of the command is that of `test_adapt.py`."""

import json
from pathlib import Path

import pytest
import torch

from spikereveal_plugin.adapt.networks import ONLINE, choose_networks
from spikereveal_plugin.archs import LDNPlus
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.options import load_options
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights
from spikereveal_plugin.weights.network import load_student
from spikereveal_plugin.weights.registry import default_student

SECTION = {'type': 'LDNPlus', 'num_feat': 8, 'num_block_photo': 1, 'num_block': 1}


@pytest.fixture(scope='module')
def plus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student of SDM's frame that is a tenth too bright."""
    path = tmp_path_factory.mktemp('networks') / 'plus.pth'
    torch.manual_seed(0)
    network = LDNPlus(num_feat=8, num_block_photo=1, num_block=1)
    with torch.no_grad():
        network.last.bias[:48] += 0.1
    save_weights(path, network.state_dict(), Card(SECTION, 1.0, 'auto'))
    return path


@pytest.mark.smoke
def test_a_student_of_its_own(tiny_set: Path, plus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    quick = ['--iterations', '4', '--val-freq', '2', '--patience', '2', '--learning-rate', '1e-3']
    quick += ['--reblur-weight', '100']  # its teacher is as bright as it is: the photo alone says so
    out = tmp_path / 'mine'
    assert main(['adapt', str(tiny_set / 'train'), '-o', str(out), '--weights', str(plus), *quick]) == 0
    opt = load_options(out / 'adapt.yml')
    assert opt['network_teacher'] == SECTION
    assert opt['path']['pretrain_network_teacher'] == opt['path']['pretrain_network_g']
    assert opt['datasets']['train']['thresholds'] == [1, 2]
    assert not (out / 'teacher.lmdb').exists()
    assert 'data teach' not in capsys.readouterr().err + (out / 'adapt.yml').read_text()
    scores = json.loads((out / 'experiments/adapt/early_stop.json').read_text())['scores']
    assert min(scores, key=lambda entry: entry[1])[0] > 0
    assert load_student(out / 'mine.pth').card == Card(SECTION, 1.0, 'auto')
    assert 'teacher: ' + str(plus) in (out / 'mine.md').read_text()


def test_who_teaches_whom(plus: Path, tmp_path: Path):
    own = choose_networks(str(plus), None, tmp_path / 'own')
    assert set(own) == {'network_g', ONLINE}
    state = load_student(plus).network.state_dict()
    save_weights(tmp_path / 'one.pth', state, Card(SECTION, 2.0, 1.0))
    assert set(choose_networks(str(tmp_path / 'one.pth'), ('self',), tmp_path / 'asked')) == {'network_g', ONLINE}
    by_light = choose_networks(str(tmp_path / 'one.pth'), None, tmp_path / 'light')
    assert by_light[ONLINE].card.network == {'type': 'LightChange'}
    assert by_light[ONLINE].path is None


def test_weights_that_observe_the_threshold_teach_themselves_and_others_learn_from_light(tmp_path: Path):
    chosen = choose_networks(default_student(), None, tmp_path)
    assert chosen[ONLINE] is chosen['network_g']
    assert chosen['network_g'].any_threshold


@pytest.mark.smoke
def test_a_student_of_light_change(tiny_set: Path, plus: Path, tmp_path: Path):
    quick = ['--iterations', '4', '--val-freq', '2', '--patience', '2', '--learning-rate', '1e-3', '--teacher', 'light']
    out = tmp_path / 'mine'
    assert main(['adapt', str(tiny_set / 'train'), '-o', str(out), '--weights', str(plus), *quick]) == 0
    opt = load_options(out / 'adapt.yml')
    assert opt['network_teacher'] == {'type': 'LightChange'}
    assert 'pretrain_network_teacher' not in opt['path']
    assert 'teacher: light.' in (out / 'mine.md').read_text()
