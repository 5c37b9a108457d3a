"""XVFI as an interpolator: frames of the authors' code, from their checkpoint."""

import re
import sys
from importlib import import_module

import numpy as np
import pytest
import torch

from spikereveal_plugin.building.flow_warps import splat, warped
from spikereveal_plugin.building.xvfi import XvfiInterpolator, load_weights
from spikereveal_plugin.building.xvfi_network import XvfiNetwork
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.recordings.image_file import save_image
from spikereveal_plugin.recordings.manifest import read_manifest


@pytest.fixture(scope='module')
def checkpoint(shared, tmp_path_factory):
    """A file as the authors save it, with the golden data's weights."""
    sys.path.insert(0, str(shared / 'golden/peers'))
    fill_one = import_module('fill').fill_one
    sys.path.pop(0)
    state = {}
    for line in (shared / 'spec/peers/keys/xvfi.txt').read_text().splitlines():
        if match := re.match(r'(\S+) \((.*?)\)', line):
            shape = tuple(int(side) for side in match[2].split(',') if side.strip())
            state[match[1]] = torch.from_numpy(fill_one(match[1], shape))
    last = {'channel_converter.0': 'rec_ext_ds_module.0.0', 'rec_ext_ds': 'rec_ext_ds_module.3'}
    last['rec_ext_ds_module.1'] = 'rec_ext_ds_module.3'
    for name, source in last.items():  # shared tensors have the value of their last name
        for kind in ('weight', 'bias'):
            state[f'{name}.{kind}'] = state[f'{source}.{kind}']
    path = tmp_path_factory.mktemp('xvfi') / 'x.pt'
    torch.save({'state_dict_Model': state, 'last_epoch': 1}, path)
    return path


@pytest.fixture
def of(golden):
    arrays = golden('peers/xvfi.npz')
    return lambda key: torch.from_numpy(np.asarray(arrays[key]))


def seen(levels):
    """In single precision first, as the authors widen it."""
    return ((levels.float() / 255 - 0.5) * 2).double()


def network(checkpoint, levels):
    net = XvfiNetwork(levels).eval()
    net.load_state_dict(load_weights(checkpoint))
    return net.double()


@torch.no_grad()
def test_frames_are_the_authors(checkpoint, of):
    net, frames = network(checkpoint, 2), seen(of('small.frames_u8')).unbind(2)
    assert sum(parameter.numel() for parameter in net.parameters()) == 5_612_052 - 73_856  # less what is never used
    for name, times in (('t0.5', (0.5, 0.5)), ('t0.125_0.875', (0.125, 0.875))):
        found = net(frames, torch.tensor(times, dtype=torch.float64))
        torch.testing.assert_close(found, of(f'small.out64.{name}'), rtol=0, atol=1e-9)


@torch.no_grad()
def test_frames_of_the_published_depth_are_the_authors(checkpoint, of):
    first = seen(of('big.coarse_u8')).repeat_interleave(8, 2).repeat_interleave(8, 3)
    second = torch.roll(first, (6, -9), (2, 3))
    found = network(checkpoint, 5)((first, second), torch.tensor([0.125], dtype=torch.float64))
    torch.testing.assert_close(found[:, :, 3::8, 5::8], of('big.out64.t0.125'), rtol=0, atol=1e-9)


def test_warps_are_the_authors(of):
    flow = of('piece.flow').double()
    torch.testing.assert_close(warped(of('piece.feat').double(), flow), of('piece.bwarp64'), rtol=0, atol=1e-9)
    total, weights = splat(flow, 0.3 * flow, of('piece.z').double())
    torch.testing.assert_close(total, of('piece.splat_num64'), rtol=0, atol=1e-9)
    torch.testing.assert_close(weights, of('piece.splat_den64')[:, :1], rtol=0, atol=1e-9)


def test_an_interpolator_rounds_and_crops(checkpoint):
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, (40, 52, 3), np.uint8) for _ in range(2))
    method = XvfiInterpolator(checkpoint, levels=0)
    begin, *between = method(first, second, 4)
    assert np.array_equal(begin, first)
    assert len(between) == 3
    for frame in between:
        assert frame.shape == (40, 52, 3)
        assert np.array_equal(frame, np.rint(frame))
        assert frame.min() >= 0
        assert frame.max() <= 255
    net = XvfiNetwork(0).eval()
    net.load_state_dict(load_weights(checkpoint))
    ends = []
    for image in (first, second):
        padded = np.zeros((48, 64, 3), np.float32)
        padded[:40, :52] = (image[:, :, ::-1] / np.float32(255) - 0.5) * 2
        ends.append(torch.from_numpy(padded).permute(2, 0, 1)[None])
    with torch.no_grad():
        frame = net(tuple(ends), torch.tensor([0.25]))[0, :, :40, :52].permute(1, 2, 0).numpy()[:, :, ::-1]
    np.testing.assert_allclose(between[0], np.rint(255 * ((frame + 1) / 2).clip(0, 1)), atol=1)


def test_a_data_set_says_what_made_its_frames(checkpoint, tmp_path, monkeypatch):
    import spikereveal_plugin.building.simulate_footage as module

    monkeypatch.setattr(module, 'XvfiInterpolator', lambda path: XvfiInterpolator(path, levels=0))
    rng = np.random.default_rng(0)
    (tmp_path / 'clip').mkdir()
    for number in range(24):
        save_image(tmp_path / f'clip/{number:03d}.png', rng.integers(0, 256, (32, 48, 3), np.uint8))
    clip = tmp_path / 'clip'
    words = ['--interpolator', 'xvfi', '--interpolator-weights', str(checkpoint), '--factor', '32', '--workers', '1']
    assert main(['data', 'simulate', str(clip), '-o', str(tmp_path / 'out'), *words]) == 0
    assert 'xvfi, S 5, padded with mid-gray, weights ' in read_manifest(tmp_path / 'out')['parameters']['interpolator']


@pytest.mark.parametrize('change', ['less', 'other', 'copies', 'text'])
def test_other_files_are_refused(change, checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    state = content['state_dict_Model']
    if change == 'less':
        del state['rec_ctx_ds.bias']
    elif change == 'other':
        state = {'a': torch.ones(1)}
    elif change == 'copies':
        state['rec_ext_ds.bias'] = state['rec_ext_ds.bias'] + 1
    torch.save({'state_dict_Model': 'no' if change == 'text' else state}, tmp_path / 'y.pt')
    with pytest.raises(SpikeDataError, match=r'y\.pt: (no checkpoint of XVFI|XVFI: .* differ)'):
        XvfiInterpolator(tmp_path / 'y.pt')
