"""How dense weights want spikes to be reaches the data of every training and test."""

import copy
from pathlib import Path

import pytest
import torch

from spikereveal_plugin.archs import BSN, LDN
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.needs import card_of_run, carry_density, density_of_weights
from spikereveal_plugin.physics.density import Density
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights

SECTION = {'name': 'x', 'type': 'SpikeBlurDataset', 'dataroot_lq': 'a', 'dataroot_spike': 'b'}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Weights that want density auto at threshold 2, others that want none, and some that say nothing."""
    network = LDN(num_feat=4, reduction=4)
    section = {'type': 'LDN', 'num_feat': 4, 'reduction': 4}
    save_weights(tmp_path / 'auto.pth', network.state_dict(), Card(section, 2.0, 'auto'))
    save_weights(tmp_path / 'none.pth', BSN(num_feat=4).state_dict(), Card({'type': 'BSN', 'num_feat': 4}))
    torch.save({'params': network.state_dict()}, tmp_path / 'silent.pth')
    return {name: str(tmp_path / f'{name}.pth') for name in ('auto', 'none', 'silent')}


def options(path: dict[str, str], **section: object) -> dict:
    data = {'test': {**SECTION, **section}, 'photos': {'name': 'y', 'type': 'PairedImageDataset'}}
    return {'path': {f'pretrain_network_{key}': value for key, value in path.items()}, 'datasets': data}


def test_data_that_do_not_say_it_are_told(files: dict[str, str]):
    opt = options({'g': files['auto']})
    carry_density(opt)
    assert opt['datasets']['test'] == {**SECTION, 'density': 'auto', 'trained_threshold': 2.0}
    assert opt['datasets']['photos'] == {'name': 'y', 'type': 'PairedImageDataset'}


def test_a_contradiction_is_said_and_the_option_file_obeyed(files: dict[str, str], caplog: pytest.LogCaptureFixture):
    opt = options({'g': files['auto']}, density=1.0)
    carry_density(opt)
    assert opt['datasets']['test']['density'] == 1.0
    assert 'density 1 is given, the weights want auto (threshold 2).' in caplog.text


@pytest.mark.parametrize('path', [{}, {'g': 'silent'}, {'g': 'gone.pth'}])
def test_weights_that_say_nothing_change_nothing(path: dict[str, str], files: dict[str, str]):
    opt = options({key: files.get(value, value) for key, value in path.items()})
    before = copy.deepcopy(opt)
    carry_density(opt)
    assert opt == before


def test_weights_that_contradict_each_other_are_refused(files: dict[str, str]):
    opt = options({'g': files['auto'], 'bsn': files['none']})
    with pytest.raises(OptionError, match=r'pretrain_network_g auto \(threshold 2\), path.pretrain_network_bsn 1;'):
        carry_density(opt)
    assert density_of_weights(opt, ['network_g']) == Density('auto', 2.0)


def test_a_run_says_what_its_network_needs():
    train = {**SECTION, 'density': 'auto', 'trained_threshold': 2.0}
    opt = {'network_g': {'type': 'LDN', 'num_spike': 11}, 'datasets': {'train': train}}
    assert card_of_run(opt) == Card({'type': 'LDN', 'num_spike': 11}, 2.0, 'auto')
