"""Each kind of method beside something that computes the same another way."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from basicsr.archs.rcan_arch import RCAN
from basicsr.archs.rrdbnet_arch import RRDBNet
from basicsr.archs.swinir_arch import SwinIR
from basicsr.utils.registry import ARCH_REGISTRY
from torch import nn

from spikereveal_plugin.archs import BSN, SpikeEDSR
from spikereveal_plugin.cli.basicsr import main as basicsr
from spikereveal_plugin.compare.build import build_row
from spikereveal_plugin.compare.method_options import parse_row
from spikereveal_plugin.compare.methods import as_frame
from spikereveal_plugin.compare.set_options import SetOptions
from spikereveal_plugin.compare.spike_set import SpikeSet
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.physics.sdm import upsample_rate
from spikereveal_plugin.physics.tfp import inter_spike_rate
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.restorers.restorer import Capabilities, Restorer

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
BSN_SMALL, SR_SMALL = {'num_feat': 4}, {'num_feat': 4, 'num_block': 1}
SWIN = {
    'type': 'SwinIR',
    'upscale': 1,
    'upsampler': '',
    'window_size': 8,
    'depths': [2],
    'num_heads': [2],
    'embed_dim': 8,
}
EDVR = {'type': 'EDVR', 'num_frame': 3, 'hr_in': True, 'num_feat': 8, 'deformable_groups': 2, 'with_predeblur': True}


if 'MeanOfPhotos' not in ARCH_REGISTRY:

    @ARCH_REGISTRY.register()
    class MeanOfPhotos(nn.Module):
        """(1, N, 3, H, W) to their mean, times a weight that is 1."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def forward(self, x):
            return self.weight * x.mean(1)

    @ARCH_REGISTRY.register()
    class PhotosAgain(MeanOfPhotos):
        """(1, N, 3, H, W) to itself, as a recurrent network gives a frame for each photo."""

        def forward(self, x):
            return self.weight * x


@pytest.fixture(scope='module')
def test_set(tiny_set) -> SpikeSet:
    return SpikeSet('tiny', tiny_set / 'test', SetOptions(data='x'))


@pytest.fixture(scope='module')
def stages(tmp_path_factory) -> dict[str, str]:
    """Small random networks of the teacher."""
    folder = tmp_path_factory.mktemp('stages')
    torch.manual_seed(0)
    torch.save({'params': BSN(**BSN_SMALL).state_dict()}, folder / 'bsn.pth')
    torch.save({'params': SpikeEDSR(**SR_SMALL).state_dict()}, folder / 'sr.pth')
    return {'bsn': str(folder / 'bsn.pth'), 'sr': str(folder / 'sr.pth')}


def row(section, label='m'):
    return build_row(label, parse_row(label, section), 'cpu')


def frames(section, test_set, key=None) -> np.ndarray:
    method = row(section).method
    assert method.covers(test_set)
    return np.stack(method.restore(test_set, key or test_set.keys[0]))


def saved(network: nn.Module, tmp_path, key='params') -> str:
    torch.save({key: network.state_dict()}, tmp_path / 'weights.pth')
    return str(tmp_path / 'weights.pth')


@pytest.mark.smoke
def test_rows_of_the_cascade_score_as_basicsr_test(tiny_set, stages, student, tmp_path, monkeypatch):
    """`basicsr test` and `compare` on the same data: an option file, its rows, and the stages by their weights."""
    monkeypatch.chdir(tmp_path)
    opt = yaml.safe_load((OPTIONS / 'test_ldn_sample.yml').read_text())
    opt.pop('_base_', None)
    data = {'dataroot_lq': 'blur', 'dataroot_spike': 'spike', 'dataroot_gt': 'sharp', 'dataroot_gt_sequence': None}
    opt = {
        'name': 'own',
        'model_type': 'SpikeDistillModel',
        'manual_seed': 0,
        'network_g': {'type': 'LDN'},
        'network_bsn': {'type': 'BSN', **BSN_SMALL},
        'network_sr': {'type': 'SpikeEDSR', **SR_SMALL},
        'spike': {'short_window': 7},
        'path': {f'pretrain_network_{k}': str(v) for k, v in (('g', student), *stages.items())},
        'datasets': {
            'test': {k: v and str(tiny_set / f'test/{v}.lmdb') for k, v in data.items()}
            | {'name': 'tiny', 'type': 'SpikeBlurDataset', 'io_backend': {'type': 'lmdb'}, 'density': 'auto'}
        },
        'val': {
            'methods': ['blur', 'sdm', 'sdm_bsn', 'teacher', 'ldn'],
            'metrics': {'psnr_paper': {'type': 'calculate_psnr_paper'}},
        },
    }
    Path('own.yml').write_text(yaml.safe_dump(opt))
    assert basicsr(['test', '-opt', 'own.yml']) == 0
    expected = {
        entry['method']: entry['mean'] for entry in json.loads(Path('results/own/tiny.json').read_text())['means']
    }
    small = {'network_bsn': BSN_SMALL, 'short_window': 7, 'density': 'auto'}
    sections = {name: {'opt': 'own.yml', 'row': name} for name in opt['val']['methods']} | {
        'ldn by default': {'opt': 'own.yml'},
        'ldn by weights': {'opt': 'own.yml', 'weights': str(student)},
        'sdm_bsn by weights': {'type': 'sdm_bsn', 'bsn': stages['bsn'], **small},
        'teacher by weights': {'type': 'teacher', 'network_sr': SR_SMALL, **stages, **small},
    }
    opt = {'out': 'out', 'metrics': ['psnr_paper'], 'methods': sections}
    opt['sets'] = {'tiny': {'data': str(tiny_set / 'test'), 'frames': 'middle'}}
    Path('compare.yml').write_text(yaml.safe_dump(opt))
    from spikereveal_plugin.cli.spikereveal import main

    assert main(['compare', '-opt', 'compare.yml']) == 0
    content = json.loads(Path('out/compare.json').read_text())
    for score in content['scores']:
        assert score['mean'] == pytest.approx(expected[score['method'].split(' by ')[0]], abs=2e-4), score['method']
    costs = content['costs']
    assert costs['teacher']['gmacs'] == pytest.approx(costs['teacher by weights']['gmacs'])
    assert costs['teacher']['parameters'] > costs['sdm_bsn']['parameters'] > 0
    assert costs['ldn']['parameters'] == 234158


def test_an_authors_folder_is_a_set(tiny_set, tmp_path):
    from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
    from spikereveal_plugin.formats.vidar import write_vidar
    from spikereveal_plugin.recordings.image_file import save_image
    from spikereveal_plugin.recordings.image_lmdb import ImageLmdb

    photos, spikes = ImageLmdb(tiny_set / 'test/blur.lmdb'), SpikeLmdb(tiny_set / 'test/spike.lmdb')
    for key in photos.keys:
        save_image(tmp_path / f'blur_data/{key}.png', photos.read(key))
        (tmp_path / f'spike_data/{key}.dat').parent.mkdir(parents=True, exist_ok=True)
        write_vidar(tmp_path / f'spike_data/{key}.dat', spikes.read(key).astype(bool))
    record = spikes.records[photos.keys[0]]
    exposure = (record.exposure_first, record.exposure_length)
    found = SpikeSet('rsb', tmp_path, SetOptions(data='x', exposure=exposure, num_frames=3))
    packed = SpikeSet('rsb', tiny_set / 'test', SetOptions(data='x', frames='middle'))
    assert not found.has_reference
    assert found.keys == packed.keys
    shots = found.shot(found.keys[0]), packed.shot(found.keys[0])
    assert torch.equal(shots[0].blur, shots[1].blur)
    assert torch.equal(shots[0].spikes, shots[1].spikes)
    assert shots[0].exposure == shots[1].exposure
    assert len(found.frames(found.keys[0])) == 3
    with pytest.raises(OptionError, match='sets.rsb.exposure: expected the first readout'):
        SpikeSet('rsb', tmp_path, SetOptions(data='x'))


def test_tfi_in_colour(test_set):
    """By hand: the interval's inverse, times the colours, as bright over the exposure as the photo."""
    key = test_set.keys[0]
    shot = test_set.shot(key)
    weights = np.array([0.30, 0.59, 0.11], np.float32)
    blur, spikes = as_frame(shot.blur), shot.spikes[0].numpy()
    light = blur @ weights
    threshold = light.mean() / spikes[shot.exposure.first : shot.exposure.stop].mean()
    rate = upsample_rate(inter_spike_rate(shot.spikes, test_set.instants(key)[0]), *shot.size)[0, 0].numpy()
    expected = threshold * rate[:, :, None] * blur / light[:, :, None]
    np.testing.assert_allclose(frames({'type': 'tfi'}, test_set)[0], expected.clip(0, 1), atol=1e-5)


def test_tfp_of_the_exposure_is_as_bright_as_the_photo(tiny_set):
    middle = SpikeSet('tiny', tiny_set / 'test', SetOptions(data='x', frames='middle'))
    shot = middle.shot(middle.keys[0])
    (found,) = frames({'type': 'tfp', 'short_window': shot.exposure.length}, middle)
    assert found.mean() == pytest.approx(float(shot.blur.mean()), rel=0.05)


@pytest.mark.parametrize(
    ('network', 'section', 'multiple'),
    [
        (lambda: SwinIR(**{k: v for k, v in SWIN.items() if k != 'type'}), SWIN, 1),
        (
            lambda: RRDBNet(3, 3, 1, 8, 1, 4),
            {
                'type': 'RRDBNet',
                'num_in_ch': 3,
                'num_out_ch': 3,
                'scale': 1,
                'num_feat': 8,
                'num_block': 1,
                'num_grow_ch': 4,
            },
            4,
        ),
        (
            lambda: RCAN(3, 3, 8, 1, 1, 2, 1),
            {
                'type': 'RCAN',
                'num_in_ch': 3,
                'num_out_ch': 3,
                'num_feat': 8,
                'num_group': 1,
                'num_block': 1,
                'squeeze_factor': 2,
                'upscale': 1,
            },
            1,
        ),
    ],
    ids=['SwinIR', 'RRDBNet', 'RCAN'],
)
def test_a_registered_network_of_an_image(network, section, multiple, test_set, tmp_path):
    torch.manual_seed(0)
    built = network().eval()
    weights = saved(built, tmp_path, 'params_ema')
    found = frames(
        {'type': 'arch', 'network': section, 'weights': weights, 'param_key': 'params_ema', 'multiple': multiple},
        test_set,
    )
    photo = test_set.shot(test_set.keys[0]).blur
    with torch.no_grad():
        expected = built(photo).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    assert len(found) == len(test_set.frames(test_set.keys[0]))
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
    np.testing.assert_array_equal(found[0], found[-1])


def test_a_registered_network_of_a_sequence(tiny_set, tmp_path):
    """A mean of three photos: the neighbours of the same sequence, its ends repeated."""
    train = SpikeSet('tiny', tiny_set / 'train', SetOptions(data='x'))
    section = {
        'type': 'arch',
        'network': {'type': 'MeanOfPhotos'},
        'weights': saved(MeanOfPhotos(), tmp_path),
        'photos': 3,
    }
    sequences = {key.rpartition('/')[0] for key in train.keys}
    for sequence in sequences:
        keys = [key for key in train.keys if key.rpartition('/')[0] == sequence]
        photos = [as_frame(train.shot(key).blur) for key in keys]
        for place, key in enumerate(keys):
            around = [photos[min(max(place + step, 0), len(keys) - 1)] for step in (-1, 0, 1)]
            np.testing.assert_allclose(frames(section, train, key)[0], np.mean(around, 0), atol=1e-5)
    method = row(section).method
    assert len({method.digest(train, key) for key in train.keys}) == len(train.keys)  # they see different photos
    assert method.restorer.remark.startswith('MeanOfPhotos restores one image from 3 photos')


def test_of_a_frame_for_each_photo_the_middle_one_is_taken(test_set, tmp_path):
    weights = saved(ARCH_REGISTRY.get('PhotosAgain')(), tmp_path)
    found = frames({'type': 'arch', 'network': {'type': 'PhotosAgain'}, 'weights': weights, 'photos': 5}, test_set)
    np.testing.assert_allclose(found[0], as_frame(test_set.shot(test_set.keys[0]).blur), atol=1e-6)


def test_edvr_by_its_num_frame(test_set, tmp_path):
    torch.manual_seed(0)
    network = ARCH_REGISTRY.get('EDVR')(**{key: value for key, value in EDVR.items() if key != 'type'}).eval()
    section = {'type': 'arch', 'network': EDVR, 'weights': saved(network, tmp_path), 'multiple': 16}
    found = frames(section, test_set)
    assert found.shape == (len(test_set.frames(test_set.keys[0])), 64, 96, 3)


def test_an_option_file_of_a_stock_model_is_its_network(test_set, tmp_path):
    """As many photos as its own test set has frames."""
    weights = saved(ARCH_REGISTRY.get('MeanOfPhotos')(), tmp_path)
    opt = {'model_type': 'EDVRModel', 'network_g': {'type': 'MeanOfPhotos'}, 'datasets': {'val': {'num_frame': 3}}}
    (tmp_path / 'stock.yml').write_text(yaml.safe_dump({**opt, 'path': {'pretrain_network_g': weights}}))
    section = {'type': 'arch', 'network': {'type': 'MeanOfPhotos'}, 'weights': weights, 'photos': 3}
    np.testing.assert_array_equal(frames({'opt': str(tmp_path / 'stock.yml')}, test_set), frames(section, test_set))
    with pytest.raises(OptionError, match='methods.m: row: the stock model EDVRModel has one result'):
        row({'opt': str(tmp_path / 'stock.yml'), 'row': 'ldn'})


def test_a_spike_network_as_an_arch_is_the_student(test_set, student):
    by_arch = {'type': 'arch', 'network': {'type': 'LDN'}, 'weights': str(student), 'density': 'auto'}
    by_name = {'type': 'network', 'weights': str(student), 'density': 'auto'}
    np.testing.assert_allclose(frames(by_arch, test_set), frames(by_name, test_set), atol=1e-5)


@pytest.mark.parametrize(
    ('network', 'more', 'message'),
    [
        ({'type': 'SwimIR'}, {}, "methods.m: network: unknown type 'SwimIR'. Did you mean 'SwinIR'?"),
        ({'type': 'MeanOfPhotos', 'feat': 3}, {}, "methods.m: network: unknown option 'feat'"),
        ({'type': 'MeanOfPhotos'}, {'photos': 2}, 'methods.m: photos and multiple: expected an odd number'),
        ({'type': 'MeanOfPhotos'}, {'density': 'auto'}, 'methods.m: density: MeanOfPhotos sees no spikes'),
        (
            {'type': 'MeanOfPhotos'},
            {'weights': 'gone.pth'},
            'methods.m: gone.pth: no such file',
        ),
        (
            {'type': 'RCAN', 'num_in_ch': 3, 'num_out_ch': 3},
            {},
            'methods.m: .*weights.pth: the weights do not fit RCAN',
        ),
    ],
)
def test_what_does_not_fit_is_named(network, more, message, tmp_path):
    section = {'type': 'arch', 'network': network, 'weights': saved(MeanOfPhotos(), tmp_path), **more}
    with pytest.raises((OptionError, SpikeDataError), match=message):
        row(section)


def test_another_size_is_refused(test_set, tmp_path):
    network = RRDBNet(3, 3, 4, 4, 1, 4)
    section = {
        'type': 'RRDBNet',
        'num_in_ch': 3,
        'num_out_ch': 3,
        'scale': 4,
        'num_feat': 4,
        'num_block': 1,
        'num_grow_ch': 4,
    }
    with pytest.raises(OptionError, match='RRDBNet makes 1 x 3 x 256 x 384 of 1 x 3 x 64 x 96; expected .* same size'):
        frames({'type': 'arch', 'network': section, 'weights': saved(network, tmp_path)}, test_set)
    with pytest.raises(OptionError, match="'m' on .*MeanOfPhotos makes .*"):  # an image where it wants a sequence
        frames(
            {'type': 'arch', 'network': {'type': 'MeanOfPhotos'}, 'weights': saved(MeanOfPhotos(), tmp_path)}, test_set
        )


@pytest.mark.parametrize(
    ('section', 'message'),
    [
        ({'opt': 'gone.yml'}, 'methods.m: .*gone.yml: no such option file'),
        (
            {'opt': str(OPTIONS / 'test_ldn_sample.yml')},
            'methods.m: path.pretrain_network_g: .*: no such file',
        ),
        (
            {'opt': str(OPTIONS / 'test_ldn_sample.yml'), 'row': 'ldm'},
            "methods.m: row: unknown value 'ldm'. Did you mean",
        ),
        ({'opt': str(OPTIONS / 'edsr_sample.yml')}, 'methods.m: row: edsr restores the gray of the photo'),
        (
            {'opt': str(OPTIONS / 'test_ldn_sample.yml'), 'weights': {'h': 'x'}},
            "methods.m: weights: unknown option 'h'",
        ),
        ({'type': 'teacher', 'bsn': 'no.pth', 'sr': 'x'}, 'methods.m: no.pth: no such file'),
        (
            {'type': 'sdm_bsn', 'bsn': 'no.pth', 'network_bsn': {'feat': 4}},
            "methods.m: network_bsn: unknown option 'feat'",
        ),
        ({'type': 'sdm_bsn', 'bsn': 'no.pth', 'density': 0}, 'density: expected auto or a positive number, .* got 0'),
        ({'type': 'tfp', 'short_window': 4}, 'methods.m: short_window: expected an odd number'),
        ({'type': 'blur', 'per_set': ['x']}, 'methods.m.per_set: expected, by set'),
    ],
)
def test_what_is_missing_is_named(section, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((OptionError, SpikeDataError), match=message):
        row(section)


def test_density_is_that_of_the_threshold(test_set):
    """A stream of half as many spikes is made twice as dense, or as dense as a network trained on it wants."""
    from dataclasses import replace

    def ratio(shot, density):
        (seen,) = restore(SeesDensity(density), shot, [shot.exposure.centre])
        return float(seen)

    shot = test_set.shot(test_set.keys[0])
    halved = replace(shot, spikes=shot.spikes & (shot.spikes.cumsum(1) % 2 == 0))
    once = ratio(shot, Density('auto'))
    assert ratio(halved, Density('auto')) == pytest.approx(2 * once, rel=0.05)
    assert ratio(halved, Density('auto', 2.0)) == pytest.approx(once, rel=0.05)
    assert ratio(shot, Density()) == 1


class SeesDensity(Restorer):
    """Gives how many times denser the spikes are that it gets."""

    def __init__(self, density):
        self.capabilities = Capabilities(density=density)

    def frames(self, shot, instants):
        return iter([torch.full((1, 1, 1, 1), shot.ratio)])


def test_a_window_outside_of_the_stream_names_the_sample(test_set):
    with pytest.raises(
        SpikeDataError, match=f"'m' on '{test_set.keys[0]}' of 'tiny': the stream has 137 readout.* needs 201"
    ):
        frames({'type': 'tfp', 'short_window': 201}, test_set)


def test_a_set_may_have_its_own_weights(test_set, stages, student):
    section = {'type': 'network', 'weights': str(student), 'group': 'ours', 'per_set': {'tiny': {'density': 'auto'}}}
    found = row(section)
    assert found.group == 'ours'
    assert found.on('tiny').restorer.capabilities.density == Density('auto')
    assert found.on('other').restorer.capabilities.density == AS_RECORDED
    assert row({'type': 'blur', 'per_set': {'tiny': None}}).on('tiny') is None


def test_every_takes_a_part_and_says_so(tiny_set):
    whole, part = (SpikeSet('tiny', tiny_set / 'train', SetOptions(data='x', every=every)) for every in (1, 3))
    assert part.keys == (whole.keys[0], whole.keys[3])
    assert part.protocol == f'{whole.protocol}, one sample of 3'
    with pytest.raises(OptionError, match='every: expected 1 or more, found 0'):
        SetOptions(data='x', every=0)
