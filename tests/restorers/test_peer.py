"""Other methods of Table 1 as restorers: the frames are their networks', of shots of any size."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from spikereveal_plugin.archs.bit_arch import BiT
from spikereveal_plugin.archs.dasr_arch import DASR
from spikereveal_plugin.archs.levs_arch import LEVS
from spikereveal_plugin.archs.motion_etr_arch import MotionETR
from spikereveal_plugin.archs.red_arch import RED
from spikereveal_plugin.archs.refid_arch import REFID
from spikereveal_plugin.archs.spike_edsr_arch import SpikeEDSR
from spikereveal_plugin.archs.spk_deblur_net_arch import SpkDeblurNet
from spikereveal_plugin.archs.trmd_arch import TRMD, frames_of_residuals
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import GOPRO, Exposure
from spikereveal_plugin.physics.spike_inputs import scer, segments, voxel_grid, voxel_slices, window_interval_rate
from spikereveal_plugin.restorers.peer import Peer
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.shot import Shot
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights

SEVEN = (20, 36, 52, 68, 84, 100, 116)
SMALL = {
    'RED': lambda: RED(num_feat=8, num_block=1, growth=4),
    'REFID': lambda: REFID(num_feat=4),
    'TRMD': TRMD,
    'SpkDeblurNet': lambda: SpkDeblurNet(num_feat=36, num_block=1),
    'LEVS': LEVS,
    'MotionETR': MotionETR,
    'BiT': lambda: BiT(num_feat=12, num_head=2, num_block=1, num_group=2),
}
AT_SENSOR = ('RED', 'REFID', 'TRMD')


def network(name):
    torch.manual_seed(0)
    return SMALL[name]().eval()


def shot(height=80, width=96, readouts=137, exposure=GOPRO, photos=None):
    generator = torch.Generator().manual_seed(1)
    spikes = torch.rand(1, readouts, height // 4, width // 4, generator=generator) < 0.4
    blur = torch.rand(1, 3, height, width, generator=generator)
    around = None if photos is None else torch.rand(1, photos, 3, height, width, generator=generator)
    if around is not None:
        around[:, photos // 2] = blur
    return Shot(blur, spikes, exposure, around)


def frames(peer, of, instants=SEVEN):
    return torch.cat(list(restore(peer, of, instants)))


def small(of):
    return F.interpolate(of.blur, size=tuple(of.spikes.shape[-2:]), mode='bilinear', align_corners=False)


@torch.no_grad()
def asked(name, net, of):
    """The frames of SEVEN as the page of each method says, of a shot that needs no padding."""
    exposure = of.exposure
    if name == 'RED':
        cut = segments(of.spikes, exposure, 6)
        return torch.stack([net(small(of)[:, [c]], cut)[0, :, 0] for c in range(3)], dim=1)
    if name == 'REFID':
        return net(small(of), voxel_slices(voxel_grid(of.spikes, exposure, 8, margin=16)))[0]
    if name == 'TRMD':
        return frames_of_residuals(small(of), net(small(of), scer(of.spikes, exposure, 6)).clamp(-1, 1))[0]
    if name == 'LEVS':
        return net(of.blur)[0]
    if name == 'MotionETR':
        return net(of.blur, torch.linspace(-1, 1, 7))[0]
    if name == 'BiT':
        return net(of.photos.flip(2), torch.linspace(0, 1, 7)[None])[0][0].flip(1)
    windows = [of.window(instant, 21).float() for instant in SEVEN]
    return torch.cat([net(of.blur, window, window_interval_rate(window)).sharp for window in windows])


def whole(size=(160, 192), **more):
    """A shot whose sensor, 40 x 48, is a multiple of 8, and whose photo of 4 x 40."""
    return shot(*size, **more)


@pytest.mark.parametrize('name', SMALL)
def test_frames_are_the_networks_own(name):
    net, of = network(name), whole(photos=3 if name == 'BiT' else None)
    if name == 'LEVS':
        of = shot(160, 200)
    expected = asked(name, net, of).clamp(0, 1)
    if name in AT_SENSOR:
        expected = F.interpolate(expected, size=of.size, mode='bicubic', align_corners=False).clamp(0, 1)
    torch.testing.assert_close(frames(Peer(net), of), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize('name', SMALL)
@pytest.mark.parametrize('size', [(84, 108), (76, 92)])
def test_any_size_is_padded_and_cropped_again(name, size):
    found = frames(Peer(network(name)), shot(*size, photos=3 if name == 'BiT' else None))
    assert found.shape == (7, 3, *size)
    assert found.isfinite().all()


@pytest.mark.parametrize(
    ('exposure', 'readouts'), [(Exposure(0, 400), 400), (Exposure(5, 50), 61), (Exposure(20, 97), 137)], ids=str
)
@pytest.mark.parametrize('name', ['RED', 'REFID', 'TRMD', 'MotionETR'])
def test_any_exposure(name, exposure, readouts):
    of = shot(64, 96, readouts, exposure)
    instants = exposure.instants(7, 1, readouts)
    assert frames(Peer(network(name)), of, instants).shape == (7, 3, 64, 96)


@pytest.mark.parametrize('name', ['RED', 'REFID', 'TRMD', 'LEVS'])
def test_other_instants_than_its_own_are_refused(name):
    with pytest.raises(
        SpikeDataError, match='instant 60: expected one of 20, 36, 52, 68, 84, 100, 116: this method gives 7'
    ):
        restore(Peer(network(name)), whole(), [60])
    assert torch.equal(
        frames(Peer(network(name)), shot(80, 100), [68]), frames(Peer(network(name)), shot(80, 100))[3:4]
    )


@pytest.mark.parametrize('name', ['MotionETR', 'BiT', 'SpkDeblurNet'])
def test_methods_of_any_time_give_any_instant(name):
    of = whole(photos=3 if name == 'BiT' else None)
    assert frames(Peer(network(name)), of, [33, 61]).shape == (2, 3, 160, 192)


def test_bit_needs_three_photos():
    with pytest.raises(SpikeDataError, match='BiT needs 3 photos of the sequence, before, now and after; there are 1'):
        frames(Peer(network('BiT')), whole())


@pytest.mark.parametrize(
    'kind', [lambda: DASR(num_feat=8, num_group=1, num_block=1), lambda: SpikeEDSR(num_feat=8, num_block=1)]
)
def test_small_frames_go_through_a_super_resolver(kind):
    torch.manual_seed(1)
    net, upscaler, of = network('REFID'), kind().eval(), whole()
    found = frames(Peer(net, upscaler), of)
    with torch.no_grad():
        low = asked('REFID', net, of).clamp(0, 1)
        high = (
            upscaler(low) if isinstance(upscaler, DASR) else torch.cat([upscaler(low[:, [c]]) for c in range(3)], dim=1)
        )
    torch.testing.assert_close(found, high.clamp(0, 1), rtol=0, atol=2e-5)
    assert type(upscaler).__name__ in Peer(net, upscaler).remark


def test_what_cannot_follow_is_refused():
    with pytest.raises(OptionError, match='then: expected DASR or SpikeEDSR after a network of frames'):
        Peer(network('LEVS'), SpikeEDSR())
    with pytest.raises(OptionError, match='then: expected DASR or SpikeEDSR'):
        Peer(network('RED'), RED())
    with pytest.raises(OptionError, match='SpikeEDSR is none of the networks REFID, RED'):
        Peer(SpikeEDSR())


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Weights of small networks, with cards."""
    folder = tmp_path_factory.mktemp('peers')
    for name, form in (('refid', {'type': 'REFID', 'num_feat': 4}), ('motion', {'type': 'MotionETR'}), ('bit', None)):
        section = form or {'type': 'BiT', 'num_feat': 12, 'num_head': 2, 'num_block': 1, 'num_group': 2}
        save_weights(folder / f'{name}.pth', network(section['type']).state_dict(), Card(section))
    section = {'type': 'DASR', 'num_feat': 8, 'num_group': 1, 'num_block': 1}
    save_weights(folder / 'dasr.pth', DASR(num_feat=8, num_group=1, num_block=1).state_dict(), Card(section))
    return folder


@pytest.mark.parametrize('then', [False, True])
def test_compare_and_deblur_take_them(then, files, tiny_set, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    more = f', then: {files / "dasr.pth"}' if then else ''
    methods = [
        f'  REFID: {{type: peer, weights: {files / "refid.pth"}{more}}}',
        f'  ETR: {{type: peer, weights: {files / "motion.pth"}}}',
    ]
    methods.append(f'  BiT: {{type: peer, weights: {files / "bit.pth"}}}')
    sets = f'sets:\n  tiny: {{data: {tiny_set / "test"}, frames: sequence}}\n'
    Path('c.yml').write_text(
        f'out: out\nmetrics: [psnr]\n{sets}methods:\n  blur: {{type: blur}}\n' + '\n'.join(methods) + '\n'
    )
    assert main(['compare', '-opt', 'c.yml']) == 0, capsys.readouterr().err
    rows = Path('out/compare.csv').read_text()
    assert all(label in rows for label in ('REFID', 'ETR', 'BiT'))
    parameters = sum(value.numel() for value in network('REFID').parameters())
    parameters += sum(value.numel() for value in DASR(num_feat=8, num_group=1, num_block=1).parameters()) if then else 0
    costs = json.loads(Path('out/compare.json').read_text())['costs']
    assert costs['REFID']['parameters'] == parameters
    assert costs['REFID']['gmacs'] is None
    words = ['--then', str(files / 'dasr.pth')] if then else []
    assert main(['deblur', str(tiny_set), '-o', 'frames', '--weights', str(files / 'refid.pth'), *words]) == 0
    images = sorted(Path('frames').rglob('*.png'))
    assert len(images) == 14
    assert cv2.imread(str(images[0])).shape == (64, 96, 3)
    assert np.ptp(cv2.imread(str(images[0]))) > 0


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (('--weights', 'refid.pth', '--at', '0.4'), 'this method gives 7 frames, spread over the exposure'),
        (('--weights', 'refid.pth', '--tile', '64'), 'REFID: only the engine eager without tiles runs it'),
        (
            ('--weights', 'motion.pth', '--then', 'dasr.pth'),
            'then: expected DASR or SpikeEDSR after a network of frames',
        ),
        (
            ('--weights', 'ldn-light', '--then', 'dasr.pth'),
            'then: comes after a network of another method, and ldn-light',
        ),
        (('--weights', 'bit.pth'), 'BiT needs 3 photos of the sequence'),
    ],
)
def test_what_deblur_cannot_do_with_them_is_said(words, said, files, tiny_set, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    known = {path.name: str(path) for path in files.iterdir()}
    assert main(['deblur', str(tiny_set), '-o', 'out', *(known.get(word, word) for word in words)]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert 'Traceback' not in error
