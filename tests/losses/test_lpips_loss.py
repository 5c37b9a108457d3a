"""LPIPS against the published distances; nothing is downloaded."""

from urllib.error import URLError

import cv2
import pytest
import torch
from basicsr.utils.registry import LOSS_REGISTRY

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.losses import LPIPSLoss


@pytest.fixture(scope='module')
def alex(shared):
    return LPIPSLoss(net='alex', backbone_path=str(shared / 'weights' / 'alexnet_features.pth'))


def image(path):
    array = cv2.imread(str(path))[:, :, ::-1].copy()
    return torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize(('name', 'distance'), [('ex_p0', 0.722), ('ex_p1', 0.138)])
def test_published_distances(alex, shared, name, distance):
    reference, other = image(shared / 'golden' / 'ex_ref.png'), image(shared / 'golden' / f'{name}.png')
    assert alex(other, reference).item() == pytest.approx(distance, abs=5e-4)


def test_it_is_frozen_and_stays_in_evaluation_mode(alex):
    alex.train()
    assert not any(module.training for module in alex.modules())
    assert not any(parameter.requires_grad for parameter in alex.parameters())


def test_gradient_reaches_the_prediction_and_no_graph_is_kept_for_the_target(alex):
    kept = []
    first_layer = alex.lpips.net.slice1
    hook = first_layer.register_forward_hook(lambda module, inputs, output: kept.append(output.requires_grad))
    pred = torch.rand(2, 3, 64, 64, requires_grad=True)
    alex(pred, torch.rand(2, 3, 64, 64)).backward()
    hook.remove()
    assert pred.grad.abs().sum() > 0
    assert sorted(kept) == [False, True]


def test_weight_is_a_factor_and_the_batch_is_averaged(alex, monkeypatch):
    pred, target = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    single = [alex(pred[i : i + 1], target[i : i + 1]).item() for i in (0, 1)]
    monkeypatch.setattr(alex, 'loss_weight', 10.0)
    assert alex(pred, target).item() == pytest.approx(10 * sum(single) / 2, rel=1e-4)


def test_vgg_is_built_quietly_and_leaves_the_random_state(shared, capfd):
    before = torch.random.get_rng_state()
    loss = LOSS_REGISTRY.get('LPIPSLoss')(backbone_path=str(shared / 'weights' / 'vgg16_features.pth'))
    assert torch.equal(before, torch.random.get_rng_state())
    same = torch.rand(1, 3, 32, 32)
    assert loss(same, same).item() == 0
    assert loss(same, 1 - same).item() > 0.1
    assert capfd.readouterr() == ('', '')


def test_home_is_expanded(shared, monkeypatch):
    monkeypatch.setenv('HOME', str(shared / 'weights'))
    LPIPSLoss(net='alex', backbone_path='~/alexnet_features.pth')


def test_a_classifier_in_the_file_is_ignored(shared, tmp_path):
    state = torch.load(shared / 'weights' / 'alexnet_features.pth', weights_only=True)
    torch.save(state | {'classifier.1.weight': torch.zeros(1)}, tmp_path / 'whole.pth')
    LPIPSLoss(net='alex', backbone_path=str(tmp_path / 'whole.pth'))


def test_an_unknown_net_is_refused():
    with pytest.raises(OptionError, match=r"unknown net 'vgg19'; known: \['alex', 'vgg'\]"):
        LPIPSLoss(net='vgg19')


def test_the_file_of_another_backbone_is_refused(shared):
    with pytest.raises(OptionError, match=r'does not hold the features of AlexNet \(net: alex\)'):
        LPIPSLoss(net='alex', backbone_path=str(shared / 'weights' / 'vgg16_features.pth'))


def test_layers_of_other_shapes_are_refused(tmp_path):
    sizes = {0: 64, 3: 192, 6: 384, 8: 256, 10: 256}
    state = {f'features.{i}.{kind}': torch.zeros(n) for i, n in sizes.items() for kind in ('weight', 'bias')}
    torch.save(state, tmp_path / 'flat.pth')
    with pytest.raises(OptionError, match=r'(?s)backbone_path .*flat\.pth, net alex: .*size mismatch'):
        LPIPSLoss(net='alex', backbone_path=str(tmp_path / 'flat.pth'))


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r'cannot read backbone_path .*none\.pth: No such file'):
        LPIPSLoss(net='alex', backbone_path=str(tmp_path / 'none.pth'))


@pytest.mark.parametrize('content', [b'', b'not weights'])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    (tmp_path / 'text.pth').write_bytes(content)
    with pytest.raises(OptionError, match=r'text\.pth is not a file of PyTorch weights'):
        LPIPSLoss(net='alex', backbone_path=str(tmp_path / 'text.pth'))


def test_a_failed_download_names_the_remedy(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise URLError('no network')

    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    with pytest.raises(OptionError, match=r'AlexNet could not be downloaded \(no network\)\. Set backbone_path'):
        LPIPSLoss(net='alex')


def test_unfit_images_are_refused(alex):
    with pytest.raises(ValueError, match=r'LPIPSLoss: expected two images \(B, 3, H, W\)'):
        alex(torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64))
