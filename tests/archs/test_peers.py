"""Networks of the methods of Table 1 against what their authors' code gives, in double precision."""

import numpy as np
import pytest
import torch

from spikereveal_plugin.archs.bit_arch import BiT
from spikereveal_plugin.archs.dasr_arch import DASR
from spikereveal_plugin.archs.exposure_trajectory import offset_at, reblurred, warp
from spikereveal_plugin.archs.levs_arch import LEVS
from spikereveal_plugin.archs.motion_etr_arch import MotionETR
from spikereveal_plugin.archs.red_arch import RED
from spikereveal_plugin.archs.refid_arch import REFID
from spikereveal_plugin.archs.spk_deblur_net_arch import SpkDeblurNet
from spikereveal_plugin.archs.trmd_arch import TRMD, frames_of_residuals
from spikereveal_plugin.physics.spike_inputs import voxel_slices

pytestmark = pytest.mark.filterwarnings('error')


@pytest.fixture
def peer(golden):
    """Return a method's golden arrays in double precision, by key."""

    def load(name):
        arrays = golden(f'peers/{name}.npz')
        return lambda key: torch.from_numpy(np.asarray(arrays[key])).double()

    return load


def expect(found, wanted, tolerance=1e-9):
    torch.testing.assert_close(found, wanted, rtol=0, atol=tolerance)


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def test_red(peer, weights):
    of, network = peer('red'), weights.filled(RED(), 0.7)
    assert network.state_dict().keys() == weights.listed('red').keys()
    assert count(network) == 9_762_311
    for case in 'ab':
        expect(network(of(f'{case}.blur'), of(f'{case}.event'))[:, :, 0], of(f'{case}.out64'))


@torch.no_grad()
def test_refid(peer, weights):
    of, network = peer('refid'), weights.filled(REFID(aliased_states=True))
    assert network.state_dict().keys() == weights.listed('refid').keys()
    assert count(network) == 15_909_955
    slices = voxel_slices(of('a.voxel'))
    expect(network(of('a.blur'), slices), of('a.out64'))
    network.aliased_states = False
    expect(network(of('a.blur'), slices), of('a.out64_fixed_states'))


@torch.no_grad()
@pytest.mark.parametrize(
    ('case', 'given', 'channels', 'parameters'), [('b', 'blur', 6, 15_912_355), ('c', 'input', 26, 15_928_355)]
)
def test_refid_of_several_photos(case, given, channels, parameters, peer, weights):
    of, network = peer('refid'), weights.filled(REFID(num_in_ch=channels, aliased_states=True))
    assert count(network) == parameters
    expect(network(of(f'{case}.{given}'), of(f'{case}.event')), of(f'{case}.out64'))


@torch.no_grad()
def test_trmd(peer, weights):
    of, network = peer('trmd'), weights.filled(TRMD())
    assert network.state_dict().keys() == weights.listed('trmd').keys()
    assert count(network) == 19_264_836
    residuals = network(of('a.blur'), of('a.scer'))
    expect(residuals.flatten(1, 2), of('a.out64'))
    frames = frames_of_residuals(of('a.blur'), residuals)
    expect(frames[:, 3], of('a.lmid64'))
    expect(frames.mean(1), of('a.blur'))  # the mean of the frames is the photo
    expect(frames[:, 5] - frames[:, 3], residuals[:, 4])


@torch.no_grad()
def test_trmd_of_gray_photos(peer, weights):
    of, network = peer('trmd'), weights.filled(TRMD(num_in_ch=1))
    assert count(network) == 19_263_520
    expect(network(of('b.blur'), of('b.scer')).flatten(1, 2), of('b.out64'))
    for layer in network.modules():
        layer.train(isinstance(layer, torch.nn.BatchNorm2d))
    expect(network(of('c.blur'), of('c.scer')).flatten(1, 2), of('c.out64_trainbn'))


@torch.no_grad()
def test_spk_deblur_net(peer, weights):
    of = peer('spkdeblurnet')
    form = {'num_spike': 56, 'spike_scale': 2, 'legacy_spike_loop': True, 'mask_by_batch': True}
    network = weights.filled(SpkDeblurNet(**form), 0.7)
    known = {
        key for key in weights.listed('spkdeblurnet') if not key.endswith(('relative_position_index', 'attn_mask'))
    }
    assert network.state_dict().keys() == known
    assert count(network) == 13_464_684
    for case in 'ab':
        restored = network(of(f'{case}.blur'), of(f'{case}.spike'), of(f'{case}.tfi'))
        expect(restored.sharp, of(f'{case}.sharp64'))
        expect(restored.spike_gray, of(f'{case}.spike_gray64'))
    network.legacy_spike_loop = False
    expect(network(of('a.blur'), of('a.spike'), of('a.tfi')).sharp, of('a.sharp64_fixed_loop'))


@torch.no_grad()
def test_spk_deblur_net_of_a_quarter_sensor(peer, weights):
    of, network = peer('spkdeblurnet'), weights.filled(SpkDeblurNet(legacy_spike_loop=True, mask_by_batch=True), 0.7)
    assert count(network) == 13_445_784
    restored = network(of('x4.blur'), of('x4.spike'), of('x4.tfi'))
    expect(restored.sharp, of('x4.sharp64'))
    expect(restored.spike_gray, of('x4.spike_gray64'))


@torch.no_grad()
def test_masks_of_each_sample_do_not_know_the_batch(peer, weights):
    of, network = peer('spkdeblurnet'), weights.filled(SpkDeblurNet(num_spike=56, spike_scale=2), 0.7)
    inputs = [of(f'b.{key}') for key in ('blur', 'spike', 'tfi')]
    both = network(*inputs).sharp
    expect(network(*(value[1:] for value in inputs)).sharp, both[1:])


@torch.no_grad()
def test_bit(peer, weights):
    of, network = peer('bit'), weights.filled(BiT())
    assert count(network) == 11_269_514
    frames, ends = network(of('blurs'), of('ts')[None])
    expect(frames, of('out64'), 1e-8)
    expect(ends, of('ends64'), 1e-8)
    frames, ends = network(of('odd.blurs'), torch.tensor([[0.5]], dtype=torch.float64))
    expect(frames[:, 0], of('odd.out64'), 1e-8)
    expect(ends, of('odd.ends64'), 1e-8)
    expect(network(of('train.blurs'), of('batch.t')[:, None])[0][:, 0], of('batch.out64'), 1e-8)


@torch.no_grad()
def test_levs(peer, weights):
    of, network, state = peer('levs'), LEVS(), {}
    for part, parameters in (('center', 4_972_032), ('f35', 7_868_928), ('f26', 2_686_208), ('f17', 2_686_208)):
        shapes = weights.listed(f'levs_{part}')
        assert {key: tuple(value.shape) for key, value in network.get_submodule(part).state_dict().items()} == shapes
        assert count(network.get_submodule(part)) == parameters
        state |= {f'{part}.{key}': value for key, value in weights.drawn(shapes).items()}
    network.load_state_dict(state)
    expect(network.double()(of('blur')), of('frames64'))


@torch.no_grad()
def test_levs_dilates_rows_as_columns():
    """The golden images are too low for the widest dilation to meet rows of the image."""
    network = LEVS().center.LocalGrad2[2].double()
    x = torch.randn(1, 144, 60, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expect(network(x.transpose(2, 3)).transpose(2, 3), _transposed(network)(x))


def _transposed(network):
    import copy

    other = copy.deepcopy(network)
    for layer in (other.conv2, other.conv4):
        layer.weight.data = layer.weight.data.transpose(2, 3).contiguous()
    return other


@torch.no_grad()
def test_motion_etr(peer, weights):
    of, network = peer('motion_etr'), MotionETR(legacy_taps=True)
    assert count(network) == 6_554_000
    state = {key: torch.tensor(0.08) for key in network.state_dict() if key.endswith('ratio_3')}
    for part, gain in (('offset_net', 1.2), ('deblur_net', 0.9)):
        shapes = {key: shape for key, shape in weights.listed('motion_etr').items() if key.startswith(part)}
        state |= {key: value for key, value in weights.drawn(shapes, gain).items() if not key.endswith('ratio_3')}
    for number in (1, 2, 3):
        for own, copy in (('conv1', 'model.0'), ('conv2', 'model.2')):
            for kind in ('weight', 'bias'):
                place = f'offset_net.bottleneck_{number}'
                state[f'{place}.{own}.{kind}'] = state.pop(f'{place}.{copy}.{kind}')
    network.load_state_dict(state)
    sharp, ends = network.double().eval().restore(of('blur'))
    expect(sharp, of('deblur64'))
    stored = [-1, *(-step / 7 for step in range(1, 7)), 0, *(step / 7 for step in range(1, 7)), 1]
    expect(torch.cat([offset_at(ends, time) for time in stored], dim=1), of('offsets64'))
    expect(reblurred(of('sharp'), ends), of('reblur64'))
    times = torch.arange(-7, 8, dtype=torch.float64) / 7
    expect(network(of('blur')[:1], times), of('frames64'))
    expect(warp(of('sharp')[:, :, :12, :16], of('warp.offset')), of('warp.out64'))


@torch.no_grad()
def test_repaired_taps_follow_the_trajectory():
    """Without motion they are all at the pixel itself; along a straight way they lie on it, in time."""
    decoder = MotionETR().deblur_net.decoder_lv1
    taps = decoder._taps(torch.zeros(1, 4, 3, 3)).unflatten(1, (9, 2))[0, :, :, 0, 0]
    side = torch.tensor([-1.0, 0, 1])
    kernel = torch.stack((side.repeat_interleave(3), side.repeat(3)), dim=1)
    expect(taps + kernel, torch.zeros(9, 2), 1e-6)
    straight = torch.tensor([-7.0, -14, 7, 14])[None, :, None, None].expand(1, 4, 3, 3)
    moved = decoder._taps(straight).unflatten(1, (9, 2))[0, :, :, 0, 0] + kernel
    expect(moved, 0.08 * torch.arange(-4, 5)[:, None] * torch.tensor([1.0, 2.0]), 1e-5)


@torch.no_grad()
def test_dasr(peer, weights):
    of, network = peer('dasr'), DASR()
    shapes = {
        key: shape
        for key, shape in weights.listed('dasr').items()
        if not key.startswith(('G.sub_mean', 'G.add_mean', 'E.encoder_k', 'E.queue'))
    }
    assert {key: tuple(value.shape) for key, value in network.state_dict().items()} == shapes
    unused = count(network.E.encoder_q.mlp)
    assert count(network) - unused == 5_837_723 - 24  # less the fixed layers of the mean
    network.load_state_dict(weights.drawn(shapes, 0.7))
    network.double().eval()
    expect(255 * network(of('lr') / 255), of('out64'), 1e-6)
    expect(network.E.encoder_q(of('lr'))[0], of('emb64'))
    expect(network.E.encoder_q(of('lr'))[1], of('proj64'))


REFUSED = {
    'RED, odd': (RED, lambda: (torch.zeros(1, 1, 31, 32), torch.zeros(1, 6, 4, 31, 32)), 'of even sides'),
    'RED, colour': (RED, lambda: (torch.zeros(1, 3, 32, 32), torch.zeros(1, 6, 4, 32, 32)), 'expected a gray photo'),
    'RED, segments': (RED, lambda: (torch.zeros(1, 1, 32, 32), torch.zeros(1, 5, 4, 32, 32)), 'expected segments'),
    'REFID': (REFID, lambda: (torch.zeros(1, 3, 20, 32), torch.zeros(1, 2, 2, 20, 32)), 'multiples of 8'),
    'TRMD': (TRMD, lambda: (torch.zeros(1, 1, 32, 32), torch.zeros(1, 6, 32, 32)), r'a photo \(B, 3, H, W\)'),
    'BiT': (BiT, lambda: (torch.zeros(1, 2, 3, 64, 64), torch.zeros(1, 1)), 'expected three photos'),
    'BiT, small': (BiT, lambda: (torch.zeros(1, 3, 3, 48, 64), torch.zeros(1, 1)), '49 or more pixels'),
    'LEVS': (LEVS, lambda: (torch.zeros(1, 3, 50, 60),), 'multiples of 20'),
    'MotionETR': (MotionETR, lambda: (torch.zeros(1, 3, 60, 60), torch.zeros(1)), 'multiples of 8'),
    'DASR': (DASR, lambda: (torch.zeros(1, 3, 3, 60),), '4 or more a side'),
    'SpkDeblurNet': (
        SpkDeblurNet,
        lambda: (torch.zeros(1, 3, 80, 80), torch.zeros(1, 21, 40, 40), torch.zeros(1, 1, 40, 40)),
        r'expected a window \(1, 21, 20, 20\)',
    ),
    'SpkDeblurNet, small': (
        SpkDeblurNet,
        lambda: (torch.zeros(1, 3, 60, 60), torch.zeros(1, 21, 15, 15), torch.zeros(1, 1, 15, 15)),
        'too small to be padded',
    ),
}


@pytest.mark.parametrize(('network', 'inputs', 'said'), REFUSED.values(), ids=REFUSED)
def test_what_a_network_cannot_take_is_said(network, inputs, said):
    with pytest.raises(ValueError, match=said):
        network()(*inputs())
