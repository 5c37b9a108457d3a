import json

import pytest
import torch

from spikereveal_plugin import Deblurrer
from spikereveal_plugin.archs import BSN, LDN
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.inference import registry
from spikereveal_plugin.inference.registry import find_weights, list_weights, sha256_of
from spikereveal_plugin.inference.weights import Card, load_student, save_weights


@pytest.fixture
def folder(tmp_path, student, monkeypatch):
    """A registry of one tiny student, in the package's place."""
    save_weights(tmp_path / 'ldn-tiny.pth', student.state_dict(), Card({'type': 'LDN'}, 2.0, 'auto'))
    (tmp_path / 'ldn-tiny.md').write_text('# ldn-tiny\n')
    write_index(tmp_path, sha256_of(tmp_path / 'ldn-tiny.pth'))
    monkeypatch.setattr(registry, 'weights_folder', lambda: tmp_path)
    return tmp_path


def write_index(folder, sha256, **changes):
    entry = {'file': 'ldn-tiny.pth', 'sha256': sha256, 'card': 'ldn-tiny.md', 'summary': 'random weights'} | changes
    (folder / 'registry.json').write_text(json.dumps({'format': 1, 'weights': {'ldn-tiny': entry}}))


def test_the_packages_registry_is_whole():
    """Each shipped file is there with its hash and its card, and loads."""
    for entry in list_weights().values():
        assert entry.card.is_file()
        assert entry.checked_path().is_file()
        assert isinstance(torch.load(entry.path, weights_only=True)['card']['network'], dict)


def test_a_name_is_loaded_with_its_card(folder):
    deblur = Deblurrer.from_pretrained('ldn-tiny')
    assert (deblur.density, deblur.trained_threshold, deblur.num_spike) == ('auto', 2.0, 21)


def test_a_file_is_loaded_by_its_path(folder, student):
    loaded = load_student(folder / 'ldn-tiny.pth')
    assert loaded.card == Card({'type': 'LDN'}, 2.0, 'auto')
    for key, value in loaded.network.state_dict().items():
        assert torch.equal(value, student.state_dict()[key])


def test_another_hash_is_refused(folder):
    write_index(folder, 'a' * 64)
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
    write_index(folder, 'a' * 64, file='../ldn-tiny.pth')
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
    with pytest.raises(OptionError, match="the network 'LDNMinus' is not registered here"):
        load_student(tmp_path / 'x.pth')
    save_weights(tmp_path / 'x.pth', student.state_dict(), Card({'type': 'LDN', 'depth': 5}))
    with pytest.raises(OptionError, match='LDN does not take what the card says'):
        load_student(tmp_path / 'x.pth')


def test_list_and_pack(folder, student, tmp_path, capsys, caplog):
    caplog.set_level('INFO')
    torch.save({'params': student.state_dict()}, tmp_path / 'net_g_latest.pth')
    out = tmp_path / 'packed.pth'
    command = ['weights', 'pack', str(tmp_path / 'net_g_latest.pth'), '-o', str(out), '--threshold', '4']
    assert main([*command, '--density', 'auto']) == 0
    assert load_student(out).card.threshold == 4
    entry = json.loads(caplog.messages[-1])['packed']
    assert entry['sha256'] == sha256_of(out)
    assert main(['weights', 'list']) == 0
    assert 'ldn-tiny' in caplog.text
    assert 'random weights' in caplog.text
    assert main([*command, '--threshold', '-1']) == 1
    assert 'threshold -1.0: expected a positive number' in capsys.readouterr().err
