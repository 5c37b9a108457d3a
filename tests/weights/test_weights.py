import json
from fnmatch import fnmatch
from pathlib import Path

import pytest
import torch

from spikereveal_plugin import Deblurrer
from spikereveal_plugin.archs import BSN, LDN
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.physics.density import Density
from spikereveal_plugin.pipelines.setup import default_flags, prepare_options
from spikereveal_plugin.weights import registry
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights
from spikereveal_plugin.weights.network import load_named, load_student
from spikereveal_plugin.weights.packing import Packing, register
from spikereveal_plugin.weights.registry import find_weights, list_students, list_weights, resolve_option, sha256_of

CARD = """# {name}

SHA-256 {{sha256}}

## Data
Random numbers.

## Protocol
None.

## Scores
None.

## Limits
Useless.

## Recipe
`torch.manual_seed(0)`.
"""


@pytest.fixture
def folder(tmp_path, student, monkeypatch):
    """A registry of one tiny student, in the package's place."""
    root = tmp_path / 'weights'
    root.mkdir()
    (root / 'registry.json').write_text('{"format": 1, "weights": {}}')
    monkeypatch.setattr(registry, 'weights_folder', lambda: root)
    (tmp_path / 'card.md').write_text(CARD.format(name='ldn-tiny'))
    torch.save({'params': student.state_dict()}, tmp_path / 'net_g_latest.pth')
    register(tmp_path / 'net_g_latest.pth', 'ldn-tiny', tmp_path / 'card.md', Packing('LDN', 2.0, 'auto'), 'random')
    return root


def change_entry(folder, **changes):
    content = json.loads((folder / 'registry.json').read_text())
    content['weights']['ldn-tiny'] |= changes
    (folder / 'registry.json').write_text(json.dumps(content))


def check_all(weights):
    """What must hold of everything in a registry: hash, size, card, and that the file's card says the same."""
    for entry in weights.values():
        entry.check()
        card = torch.load(entry.path, weights_only=True)['card']
        assert (card['network']['type'], card['threshold'], card['density']) == (
            entry.entry.network,
            entry.entry.threshold,
            entry.entry.density,
        )
        assert load_named(entry.name, entry.entry.network).card.network == card['network']


def test_the_packages_registry_is_whole():
    check_all(list_weights())
    registered = {'registry.json', 'README.md', '__pycache__'}
    registered |= {path.name for weights in list_weights().values() for path in (weights.path, weights.card)}
    files = {path.name for path in registry.weights_folder().iterdir() if path.suffix != '.py'}
    assert files <= registered


def test_a_registry_that_was_tampered_with_is_noticed(folder):
    check_all(list_weights())
    change_entry(folder, size=5)
    with pytest.raises(SpikeDataError, match='expected 5'):
        check_all(list_weights())
    change_entry(folder, size=(folder / 'ldn-tiny.pth').stat().st_size, threshold=1.0)
    with pytest.raises(AssertionError):
        check_all(list_weights())
    change_entry(folder, threshold=2.0)
    text = (folder / 'ldn-tiny.md').read_text()
    for changed, said in (
        (text.replace('# ldn-tiny', '# ldn-x'), 'begins with "# ldn-tiny"'),
        (text.replace('Useless.', ''), 'no text below "## Limits"'),
        (text.replace('SHA-256 ', 'SHA-256 0')[:40], 'does not name the SHA-256'),
    ):
        (folder / 'ldn-tiny.md').write_text(changed)
        with pytest.raises(SpikeDataError, match=said):
            check_all(list_weights())
    (folder / 'ldn-tiny.md').unlink()
    with pytest.raises(SpikeDataError, match=r'model card .* is missing'):
        check_all(list_weights())


def test_what_a_wheel_carries():
    """Files of these kinds lie in a package that pyproject.toml lists, under a pattern of its data."""
    tomllib = pytest.importorskip('tomllib', reason='Python 3.10 has no TOML reader')
    root = Path(__file__).resolve().parents[2]
    settings = tomllib.loads((root / 'pyproject.toml').read_text())['tool']['setuptools']
    patterns = settings['package-data']['spikereveal_plugin.weights']
    assert 'spikereveal_plugin.weights' in settings['packages']
    for name in ('registry.json', 'README.md', 'ldn-tiny.pth', 'ldn-tiny.md'):
        assert any(fnmatch(name, pattern) for pattern in patterns)


def test_a_name_is_loaded_with_its_card(folder):
    deblur = Deblurrer.from_pretrained('ldn-tiny')
    assert deblur.restorer.capabilities.density == Density('auto', 2.0)
    assert deblur.num_spike == 21


def test_a_file_is_loaded_by_its_path(folder, student):
    loaded = load_student(folder / 'ldn-tiny.pth')
    assert loaded.card == Card({'type': 'LDN', 'num_spike': 21, 'num_feat': 16, 'reduction': 16}, 2.0, 'auto')
    for key, value in loaded.network.state_dict().items():
        assert torch.equal(value, student.state_dict()[key])


def test_another_hash_is_refused(folder):
    change_entry(folder, sha256='a' * 64)
    with pytest.raises(
        SpikeDataError, match=rf'ldn-tiny\.pth has SHA-256 {sha256_of(folder / "ldn-tiny.pth")}, expected a{{64}}'
    ):
        find_weights('ldn-tiny')


def test_one_changed_byte_is_noticed(folder):
    raw = bytearray((folder / 'ldn-tiny.pth').read_bytes())
    raw[-1] ^= 1
    (folder / 'ldn-tiny.pth').write_bytes(raw)
    with pytest.raises(SpikeDataError, match='damaged or was replaced'):
        load_student('ldn-tiny')


def test_an_unknown_name_lists_the_known(folder):
    with pytest.raises(
        SpikeDataError, match="ldn-tyni: neither a file .* did you mean 'ldn-tiny'.* known names: ldn-tiny"
    ):
        find_weights('ldn-tyni')


def test_a_retired_name_says_what_to_use(tmp_path, capsys):
    with pytest.raises(SpikeDataError, match='ldn-clips: these weights no longer come along, .* use ldn-light-labels'):
        find_weights('ldn-clips')
    with pytest.raises(
        OptionError, match='path.pretrain_network_bsn: bsn-clips: .* options/bsn_gopro.yml trains a BSN'
    ):
        resolve_option('bsn-clips', 'BSN', 'path.pretrain_network_bsn')
    assert main(['weights', 'check', 'ldn-plus-clips']) == 1
    assert 'no longer come along' in capsys.readouterr().err


def test_a_missing_file_is_said(folder):
    (folder / 'ldn-tiny.pth').unlink()
    with pytest.raises(SpikeDataError, match='is missing; install the package again'):
        find_weights('ldn-tiny')


@pytest.mark.parametrize('content', ['', '[]', '{"format": 2}', '{"format": 1, "weights": {"x": {"file": "a"}}}'])
def test_a_damaged_registry_is_said(folder, content):
    (folder / 'registry.json').write_text(content)
    with pytest.raises(SpikeDataError, match=r'registry\.json'):
        list_weights()


def test_an_entry_cannot_point_elsewhere(folder):
    change_entry(folder, file='../ldn-tiny.pth')
    with pytest.raises(SpikeDataError, match='names beside the registry, not paths'):
        list_weights()


@pytest.mark.parametrize('wrap', [lambda s: s, lambda s: {'params': s}, lambda s: {'params_ema': s}])
def test_checkpoints_without_a_card_are_recognised(tmp_path, wrap):
    network = LDN(num_spike=5, num_feat=8, reduction=4)
    torch.save(wrap(network.state_dict()), tmp_path / 'x.pth')
    loaded = load_student(tmp_path / 'x.pth')
    assert loaded.card == Card({'type': 'LDN', 'num_spike': 5, 'num_feat': 8, 'reduction': 4}, 1.0, 1.0)


def test_what_is_no_student_is_refused(tmp_path, shared):
    torch.save({'params': BSN().state_dict()}, tmp_path / 'bsn.pth')
    with pytest.raises(SpikeDataError, match='no card, and not the layers of LDN'):
        load_student(tmp_path / 'bsn.pth')
    save_weights(tmp_path / 'card.pth', BSN().state_dict(), Card({'type': 'BSN'}))
    with pytest.raises(OptionError, match='BSN does not deblur by itself'):
        load_student(tmp_path / 'card.pth')
    with pytest.raises(SpikeDataError, match='convert them first: spikereveal weights import --from ssdm'):
        load_student(shared / 'weights/ssdm_ldn_gopro.pth')


def test_damage_is_said(tmp_path, student):
    (tmp_path / 'x.pth').write_bytes(b'nothing')
    with pytest.raises(SpikeDataError, match=r'x\.pth: not a file of PyTorch weights'):
        load_student(tmp_path / 'x.pth')
    save_weights(tmp_path / 'x.pth', student.state_dict(), Card({'type': 'LDN', 'num_spike': 5}))
    with pytest.raises(SpikeDataError, match='the weights do not fit LDN'):
        load_student(tmp_path / 'x.pth')
    save_weights(tmp_path / 'x.pth', student.state_dict(), Card({'type': 'LDNMinus'}))
    with pytest.raises(OptionError, match="its card: unknown type 'LDNMinus'"):
        load_student(tmp_path / 'x.pth')
    save_weights(tmp_path / 'x.pth', student.state_dict(), Card({'type': 'LDN', 'depth': 5}))
    with pytest.raises(OptionError, match="its card: unknown option 'depth'"):
        load_student(tmp_path / 'x.pth')


def test_list_and_pack(folder, student, tmp_path, capsys):
    out = tmp_path / 'packed.pth'
    command = ['weights', 'pack', str(tmp_path / 'net_g_latest.pth'), '-o', str(out), '--threshold', '4']
    assert main([*command, '--density', 'auto']) == 0
    assert load_student(out).card.threshold == 4
    entry = json.loads(capsys.readouterr().out)['packed']
    assert entry['sha256'] == sha256_of(out)
    assert entry['size'] == out.stat().st_size
    assert main(['weights', 'list']) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split() == ['ldn-tiny', 'LDN', f'{(folder / "ldn-tiny.pth").stat().st_size / 2**20:.2f}', 'MB', '2',
                            'auto', 'random']  # fmt: skip
    assert main([*command, '--threshold', '-1']) == 1
    assert 'threshold -1.0: expected a positive number' in capsys.readouterr().err


def test_parts_of_the_teacher_are_packed_and_registered(folder, tmp_path, capsys):
    network, option_file = BSN(num_feat=4), tmp_path / 'bsn.yml'
    torch.save({'params': BSN(num_feat=4).state_dict(), 'params_ema': network.state_dict()}, tmp_path / 'bsn.pth')
    option_file.write_text('network_g: {type: BSN, num_feat: 4}\n')
    (tmp_path / 'bsn.md').write_text(CARD.format(name='bsn-tiny').replace('Useless.', ''))
    command = ['weights', 'pack', str(tmp_path / 'bsn.pth'), '--param-key', 'params_ema', '-opt', str(option_file)]
    command += ['--register', 'bsn-tiny', '--card', str(tmp_path / 'bsn.md'), '--density', 'auto', '--summary', 'none']
    assert main(command) == 1
    assert 'no text below "## Limits"' in capsys.readouterr().err
    assert list(list_weights()) == ['ldn-tiny']
    assert not (folder / 'bsn-tiny.pth').exists()
    (tmp_path / 'bsn.md').write_text(CARD.format(name='bsn-tiny'))
    assert main(command) == 0
    check_all(list_weights())
    loaded = load_named('bsn-tiny', 'BSN')
    assert loaded.card == Card({'type': 'BSN', 'num_feat': 4}, 1.0, 'auto')
    for key, value in loaded.network.state_dict().items():
        assert torch.equal(value, network.state_dict()[key])
    assert list_students() == ('ldn-tiny',)
    assert main(['weights', 'pack', str(tmp_path / 'bsn.pth'), '-o', str(tmp_path / 'x.pth'), '--param-key', 'x']) == 1
    assert 'bsn.pth: holds no x, but params (OrderedDict), params_ema' in capsys.readouterr().err
    with pytest.raises(OptionError, match='weights of BSN, expected of SpikeEDSR'):
        load_named('bsn-tiny', 'SpikeEDSR')


def test_an_option_takes_a_name_or_a_path(folder):
    assert resolve_option('ldn-tiny', 'LDN', 'path.x') == folder / 'ldn-tiny.pth'
    assert resolve_option('gone/ldn.pth', 'LDN', 'path.x') == Path('gone/ldn.pth')  # who loads it says that it is gone
    with pytest.raises(OptionError, match=r"path\.x: 'ldn-tiny' are weights of LDN, expected of BSN"):
        resolve_option('ldn-tiny', 'BSN', 'path.x')
    with pytest.raises(OptionError, match=r"path\.x: ldn-tyni: neither a file nor a name .* did you mean 'ldn-tiny'"):
        resolve_option('ldn-tyni', 'LDN', 'path.x')
    change_entry(folder, sha256='a' * 64)
    with pytest.raises(SpikeDataError, match='damaged or was replaced'):
        resolve_option('ldn-tiny', 'LDN', 'path.x')


def test_an_option_file_takes_a_name(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    section = '{name: x, type: SpikeBlurDataset, dataroot_lq: a, dataroot_spike: b, io_backend: {type: lmdb}}'
    (tmp_path / 'test.yml').write_text(
        'name: t\nmodel_type: SpikeDistillModel\nnum_gpu: 0\nnetwork_g: {type: LDN}\n'
        f'path: {{pretrain_network_g: ldn-tiny}}\ndatasets: {{test: {section}}}\n'
    )
    assert prepare_options(default_flags('test.yml'), is_train=False)['path']['pretrain_network_g'] == str(
        folder / 'ldn-tiny.pth'
    )
