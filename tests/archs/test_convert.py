"""Reading the authors' checkpoints: what is accepted, what is written, what is refused."""

import errno
import json
import os

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from spikereveal_plugin.archs import BSN, LDN, SpikeEDSR, convert_ssdm, import_ssdm, load_ssdm_file
from spikereveal_plugin.archs.convert import _NAMES
from spikereveal_plugin.errors import SpikeDataError

MEAN_LAYERS = {'sub_mean.weight': 1.0, 'sub_mean.bias': -0.446, 'add_mean.weight': 1.0, 'add_mean.bias': 0.446}
BUILDERS = {'BSN': BSN, 'SpikeEDSR': SpikeEDSR, 'LDN': LDN}


def as_the_authors_save(name):
    """Weights of ours under the authors' names: random values in their shapes, without their files."""
    torch.manual_seed(0)
    ours = BUILDERS[name]().state_dict()
    theirs = {key: ours[renamed] for key, renamed in _NAMES[name].items()}
    if name == 'SpikeEDSR':
        for key, value in MEAN_LAYERS.items():
            theirs[key] = torch.full((1, 1, 1, 1) if key.endswith('weight') else (1,), value)
    return theirs


@pytest.mark.parametrize(('published', 'name'), [('BSN', 'BSN'), ('EDSR', 'SpikeEDSR'), ('LDN', 'LDN')])
def test_the_names_are_those_of_the_authors(shared, published, name):
    shapes = json.loads((shared / 'golden' / 'state_dict_shapes.json').read_text())[published]
    assert {key: tuple(value.shape) for key, value in as_the_authors_save(name).items()} == {
        key: tuple(shape) for key, shape in shapes.items()
    }


@pytest.mark.parametrize('name', BUILDERS)
@pytest.mark.parametrize('wrapper', [None, 'state_dict', 'params', 'model'])
def test_wrappers_and_prefixes_are_taken_off(name, wrapper):
    state = {f'module.{key}': value for key, value in as_the_authors_save(name).items()}
    found, converted = convert_ssdm({wrapper: state, 'epoch': 3} if wrapper else state)
    assert found == name
    BUILDERS[name]().load_state_dict(converted)  # strict: every name, every shape


def test_bgr_weights_and_rgb_weights_are_the_same_network_seen_in_a_mirror():
    theirs = as_the_authors_save('LDN')
    bgr = LDN()
    bgr.load_state_dict({_NAMES['LDN'][key]: value for key, value in theirs.items()})
    rgb = LDN()
    rgb.load_state_dict(convert_ssdm(theirs)[1])
    blur, spikes = torch.rand(1, 3, 8, 12), torch.randint(0, 2, (1, 21, 2, 3)).float()
    torch.testing.assert_close(rgb(blur, spikes), bgr(blur.flip(1), spikes).flip(1))


def test_converted_weights_share_no_memory_with_the_given_ones():
    theirs = as_the_authors_save('BSN')
    _, converted = convert_ssdm(theirs)
    theirs['nin_C.weight'].zero_()
    assert converted['last.weight'].abs().sum() > 0


def test_an_import_is_read_by_basicsr(shared, tmp_path):
    target = tmp_path / 'new' / 'ldn.pth'
    assert import_ssdm(shared / 'weights' / 'ssdm_ldn_gopro.pth', target) == 'LDN'
    LDN().load_state_dict(torch.load(target, weights_only=True)['params'])
    assert [path.name for path in target.parent.iterdir()] == ['ldn.pth']


def test_a_failed_import_leaves_the_former_file(tmp_path, monkeypatch):
    source, target = tmp_path / 'theirs.pth', tmp_path / 'ours.pth'
    torch.save(as_the_authors_save('LDN'), source)
    target.write_bytes(b'former')

    def full_disk(file_number):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full_disk)
    with pytest.raises(OSError, match='No space'):
        import_ssdm(source, target)
    assert target.read_bytes() == b'former'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['ours.pth', 'theirs.pth']


def test_unknown_and_missing_names_are_listed():
    state = as_the_authors_save('LDN')
    state['extra.weight'] = state.pop('pred.bias')
    with pytest.raises(SpikeDataError, match=r'not the published LDN: missing pred\.bias; unknown extra\.weight'):
        convert_ssdm(state)


def test_other_shapes_are_listed():
    state = as_the_authors_save('LDN')
    state['spike_enc.0.weight'] = torch.zeros(16, 41, 3, 3)
    state['pred.bias'] = 0.5
    with pytest.raises(SpikeDataError, match=r'pred\.bias is a float.*\(16, 41, 3, 3\), expected \(16, 21, 3, 3\)'):
        convert_ssdm(state)


def test_another_network_is_refused():
    with pytest.raises(SpikeDataError, match="not the authors' BSN, EDSR or LDN: none of .* conv_first"):
        convert_ssdm({'conv_first.weight': torch.zeros(1)})


def test_weights_of_this_package_are_refused():
    with pytest.raises(SpikeDataError, match='Weights that this package trained need no conversion'):
        convert_ssdm({'params': LDN().state_dict()})


def test_another_mean_is_refused():
    state = as_the_authors_save('SpikeEDSR')
    state['sub_mean.bias'] = torch.tensor([-0.5])
    with pytest.raises(SpikeDataError, match=r'sub_mean\.bias is .*, expected the fixed -0\.446'):
        convert_ssdm(state)


def test_a_missing_mean_is_refused():
    state = as_the_authors_save('SpikeEDSR')
    del state['add_mean.weight']
    with pytest.raises(SpikeDataError, match=r'missing add_mean\.weight'):
        convert_ssdm(state)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpikeDataError, match=r'absent\.pth: no such file'):
        load_ssdm_file(tmp_path / 'absent.pth')


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')  # torch warns, then fails
@given(content=st.binary(max_size=64) | st.binary(max_size=64).map(lambda tail: b'\x80\x02' + tail))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example(content=b'c')  # the pickled name of nothing
def test_bytes_that_are_no_weights_are_refused(tmp_path, content):
    path = tmp_path / 'weights.pth'
    path.write_bytes(content)
    with pytest.raises(SpikeDataError, match='not a file of PyTorch weights|expected a dictionary of weights'):
        load_ssdm_file(path)


def test_a_tensor_alone_is_refused(tmp_path):
    torch.save(torch.zeros(2), tmp_path / 'tensor.pth')
    with pytest.raises(SpikeDataError, match='expected a dictionary of weights, found Tensor'):
        load_ssdm_file(tmp_path / 'tensor.pth')


def test_the_file_is_named_with_what_is_wrong_inside(tmp_path):
    torch.save({'x': torch.zeros(2)}, tmp_path / 'other.pth')
    with pytest.raises(SpikeDataError, match=r"other\.pth: not the authors'"):
        load_ssdm_file(tmp_path / 'other.pth')
