"""Checkpoints of other methods' code: what the authors' files hold becomes a network that gives the authors' frames."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import Tensor

from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.cli.weights import ORIGINS
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.weights.network import load_whole
from spikereveal_plugin.weights.peers import PEERS, import_peer

LISTS = {word: [word] for word in PEERS} | {'levs': ['levs_center', 'levs_f35', 'levs_f26', 'levs_f17']}
PARAMETERS = {
    'spkdeblurnet': 13_464_684, 'refid': 15_909_955, 'red': 9_762_311, 'trmd': 19_264_836, 'levs': 18_213_376,
    'motion_etr': 6_554_000, 'bit': 11_269_514, 'dasr': 5_837_723 - 24 + 131_584,
}  # fmt: skip


@pytest.fixture(scope='module')
def official(shared: Path):
    """Return what a file of the authors holds, by the name of its list of keys."""
    sys.path.insert(0, str(shared / 'golden/peers'))
    fill_one = import_module('fill').fill_one
    sys.path.pop(0)

    def state(name: str) -> dict[str, Tensor]:
        tensors = {}
        for line in (shared / f'spec/peers/keys/{name}.txt').read_text().splitlines():
            if match := re.match(r'(\S+) \((.*?)\)', line):
                shape = tuple(int(side) for side in match[2].split(',') if side.strip())
                tensors[match[1]] = torch.from_numpy(fill_one(match[1], shape))
        for key in [key for key in tensors if '.bottleneck_' in key and '.conv' in key]:
            place = key.replace('.conv1.', '.model.0.').replace('.conv2.', '.model.2.')
            tensors[key] = tensors[place]  # one tensor of two names
        return tensors

    return state


WRAPPED = {
    'bare': dict,
    'params': lambda state: {'params': state},
    'module.': lambda state: {'state_dict': {f'module.{key}': value for key, value in state.items()}, 'optimizer': {}},
    'model': lambda state: {'model': {f'module.{key}': value for key, value in state.items()}, 'scheduler': {}},
    'state_dict_G': lambda state: {'state_dict_G': state},
}


@pytest.mark.parametrize('word', PEERS)
def test_the_authors_files_are_read_key_by_key(word, official, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    forms = list(WRAPPED)
    states = {name: official(name) for name in LISTS[word]}
    for number, (name, state) in enumerate(states.items()):
        torch.save(WRAPPED[forms[(number + len(word)) % len(forms)]](state), f'{name}.pth')
    files = [f'{name}.pth' for name in reversed(states)]
    assert main(['weights', 'import', '--from', word, *files, '-o', 'own.pth']) == 0
    loaded = load_whole('own.pth')
    assert sum(parameter.numel() for parameter in loaded.network.parameters()) == PARAMETERS[word]
    of_authors = {key: value for state in states.values() for key, value in state.items()}
    for key, value in loaded.network.state_dict().items():
        source = key.split('.', 1)[1] if word == 'levs' else key
        torch.testing.assert_close(value, of_authors[source], rtol=0, atol=0, msg=key)


def test_the_words_of_the_command_are_all():
    assert set(ORIGINS) == {'ssdm', *PEERS}


@pytest.mark.parametrize('word', ['refid', 'levs', 'trmd'])
def test_what_is_missing_or_too_much_is_named(word, official, tmp_path):
    names = LISTS[word]
    states = {name: official(name) for name in names}
    key = next(iter(states[names[-1]]))
    for change, said in (
        ('more', r'unknown \S*of_nobody'),
        ('less', 'missing'),
        ('shape', rf'{re.escape(key)} is \(3,\), expected'),
    ):
        files = []
        for name, state in states.items():
            content = dict(state)
            if name == names[-1]:
                if change == 'more':
                    content['of_nobody'] = torch.ones(1)
                elif change == 'less':
                    del content[list(content)[-1]]
                else:
                    content[key] = torch.ones(3)
            files.append(tmp_path / f'{name}.pth')
            torch.save(content, files[-1])
        with pytest.raises(SpikeDataError, match=f'not the published .*{said}'):
            import_peer(word, files, tmp_path / 'own.pth')
        assert not (tmp_path / 'own.pth').exists()


def test_another_methods_file_is_named(official, tmp_path):
    torch.save(official('red'), tmp_path / 'x.pth')
    with pytest.raises(SpikeDataError, match='x.pth: no weights of trmd; it looks like red: --from red'):
        import_peer('trmd', [tmp_path / 'x.pth'], tmp_path / 'own.pth')
    torch.save({'a.weight': torch.ones(1)}, tmp_path / 'y.pth')
    with pytest.raises(SpikeDataError, match=r'no weights of trmd; it holds a\.weight'):
        import_peer('trmd', [tmp_path / 'y.pth'], tmp_path / 'own.pth')


def test_the_number_of_files_is_checked(official, tmp_path):
    torch.save(official('levs_f26'), tmp_path / 'x.pth')
    with pytest.raises(OptionError, match=r'--from levs: expected 4 file\(s\): center, f35, f26, f17; got 1'):
        import_peer('levs', [tmp_path / 'x.pth'], tmp_path / 'own.pth')
    with pytest.raises(SpikeDataError, match="another file is the part 'f26' of levs already"):
        import_peer('levs', [tmp_path / 'x.pth'] * 4, tmp_path / 'own.pth')
    with pytest.raises(OptionError, match=r'--from red: expected 1 file\(s\); got 2'):
        import_peer('red', [tmp_path / 'x.pth'] * 2, tmp_path / 'own.pth')


def test_copies_that_differ_and_bit_plus_plus_are_refused(official, tmp_path):
    state = official('motion_etr')
    state['offset_net.bottleneck_1.conv1.bias'] = state['offset_net.bottleneck_1.conv1.bias'] + 1
    torch.save(state, tmp_path / 'x.pth')
    with pytest.raises(SpikeDataError, match='and its copy .* differ'):
        import_peer('motion_etr', [tmp_path / 'x.pth'], tmp_path / 'own.pth')
    torch.save({'model': official('bit'), 'last_shuffle_up': {'module.0.bias': torch.ones(1)}}, tmp_path / 'y.pth')
    with pytest.raises(SpikeDataError, match=r'a checkpoint of BiT\+\+'):
        import_peer('bit', [tmp_path / 'y.pth'], tmp_path / 'own.pth')


def test_weights_without_a_card_are_refused(official, tmp_path):
    torch.save({'params': official('red')}, tmp_path / 'x.pth')
    with pytest.raises(SpikeDataError, match='no card says of which network these weights are; convert them by'):
        load_whole(tmp_path / 'x.pth')
