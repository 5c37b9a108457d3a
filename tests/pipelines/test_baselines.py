"""Restorers of stock BasicSR that see no spikes train, resume and test by the option files that are shipped."""

import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from basicsr.archs.arch_util import DCNv2Pack
from basicsr.archs.basicvsrpp_arch import BasicVSRPlusPlus
from basicsr.data import build_dataset
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor

from spikereveal_plugin.archs import AlignedBasicVSRPlusPlus
from spikereveal_plugin.cli.basicsr import main
from spikereveal_plugin.recordings.image_lmdb import ImageLmdbWriter

OPTIONS = Path(__file__).resolve().parents[2] / 'options/baselines'
SMALL = {
    'rcan': ['num_feat=16', 'num_group=1', 'num_block=1'],
    'rrdbnet': ['num_feat=8', 'num_block=1', 'num_grow_ch=4'],
    'swinir': ['img_size=32', 'depths=[1, 1]', 'num_heads=[2, 2]', 'embed_dim=12'],
    'edvr': ['num_feat=8', 'deformable_groups=2', 'num_extract_block=1', 'num_reconstruct_block=1'],
    'basicvsrpp': ['mid_channels=16', 'num_blocks=1'],  # 16 groups of its alignment share the channels
}
KEYS = ('left/000001', 'left/000002', 'right/000001')


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sequences, with photos of the same names, where the option files look for them."""
    generator = np.random.default_rng(0)
    for split, side in (('train', 256), ('test', 256)):
        images = {key: cv2.resize(generator.integers(0, 256, (9, 9, 3), np.uint8), (side, side)) for key in KEYS}
        root = tmp_path / 'datasets/GOPRO' / split
        root.mkdir(parents=True)
        for kind, change in (('blur', lambda image: cv2.blur(image, (9, 9))), ('sharp', lambda image: image)):
            with ImageLmdbWriter(root / f'{kind}.lmdb', 'ppm' if kind == 'blur' else 'png') as writer:
                for key, image in images.items():
                    writer.put(key, change(image))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.smoke
@pytest.mark.filterwarnings('ignore')  # of BasicSR's and TensorBoard's own code
@pytest.mark.parametrize('name', SMALL)
def test_option_files_train_resume_and_test(name: str, workspace: Path, capsys: pytest.CaptureFixture[str]):
    is_slow = name == 'basicvsrpp'  # which takes no photos below 256 x 256: fewer of them, and no validation in between
    sizes = [f'network_g:{entry}' for entry in SMALL[name]] + ['datasets:val:num_frame=3'] * is_slow
    entries = ['num_gpu=0', 'logger:save_checkpoint_freq=1', 'logger:print_freq=1', 'logger:use_tb_logger=false']
    entries += [f'datasets:train:gt_size={256 if is_slow else 32}', 'datasets:train:batch_size_per_gpu=1', *sizes]
    entries += ['datasets:train:num_worker_per_gpu=0', *(['datasets:train:num_frame=3', 'val=~'] * is_slow)]
    train = ['train', '-opt', str(OPTIONS / f'{name}_gopro.yml'), '--force_yml', *entries]
    assert main([*train, 'train:total_iter=1']) == 0, capsys.readouterr().err
    assert main([*train, 'train:total_iter=2', 'val=~', '--auto_resume']) == 0, capsys.readouterr().err
    error = capsys.readouterr().err
    assert 'iter: 1' in error.partition('Resuming training from epoch: ')[2].splitlines()[0]
    weights = [
        f'path:pretrain_network_g=experiments/{name}_gopro/models/net_g_latest.pth',
        'path:param_key_g=params_ema',
    ]
    test = ['test', '-opt', str(OPTIONS / f'{name}_gopro.yml'), '--force_yml', 'num_gpu=0', 'val:save_img=true']
    assert main([*test, *sizes, *weights]) == 0, capsys.readouterr().err
    error = capsys.readouterr().err
    assert '# psnr: ' in error
    assert 'random weights' not in error
    saved = sorted((workspace / f'results/{name}_gopro/visualization').rglob('*.png'))
    assert len(saved) == len(KEYS)
    assert all(cv2.imread(str(path)).shape == (256, 256, 3) for path in saved)


def test_stock_paired_images_are_read_from_the_same_files(workspace: Path):
    root, opt = workspace / 'datasets/GOPRO/test', {'name': 'paired', 'phase': 'val', 'scale': 1}
    paths = {'dataroot_lq': str(root / 'blur.lmdb'), 'dataroot_gt': str(root / 'sharp.lmdb')}
    stock = build_dataset({**opt, **paths, 'type': 'PairedImageDataset', 'io_backend': {'type': 'lmdb'}})
    expected = list(stock)
    assert [item['lq_path'] for item in expected] == list(KEYS)
    del stock  # LMDB lets a process open a file once
    for ours, theirs in zip(build_dataset({**opt, **paths, 'type': 'BlurSequenceDataset'}), expected, strict=True):
        assert torch.equal(ours['lq'], theirs['lq'])
        assert torch.equal(ours['gt'], theirs['gt'])


def by_hand(layer: DCNv2Pack, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
    """Modulated deformable convolution (Zhu et al. 2019), 3 x 3, padding 1, pixel by pixel; zero outside of x."""
    channels, height, width = x.shape
    per_group, weight, bias = channels // layer.deformable_groups, layer.weight, layer.bias

    def at(channel: int, row: float, column: float) -> Tensor:
        value = torch.zeros(())
        for r in (int(np.floor(row)), int(np.floor(row)) + 1):
            for c in (int(np.floor(column)), int(np.floor(column)) + 1):
                if 0 <= r < height and 0 <= c < width:
                    value += max(0, 1 - abs(row - r)) * max(0, 1 - abs(column - c)) * x[channel, r, c]
        return value

    out = bias[:, None, None].repeat(1, height, width)
    for row, column, tap, channel in np.ndindex(height, width, 9, channels):
        group = channel // per_group
        down, right = (float(offset[18 * group + 2 * tap + axis, row, column]) for axis in (0, 1))
        value = (
            at(channel, row + tap // 3 - 1 + down, column + tap % 3 - 1 + right) * mask[9 * group + tap, row, column]
        )
        out[:, row, column] += weight[:, channel, tap // 3, tap % 3] * value
    return out


def test_deformable_convolution_on_a_cpu_is_that_of_its_definition():
    torch.manual_seed(0)
    layer = DCNv2Pack(4, 3, 3, padding=1, deformable_groups=2)
    torch.nn.init.normal_(layer.conv_offset.weight, std=0.3)
    torch.nn.init.normal_(layer.bias)
    x, feat = torch.randn(1, 4, 4, 5), torch.randn(1, 4, 4, 5)
    with torch.no_grad():
        offset, mask = layer.conv_offset(feat)[0].split([36, 18])
        assert offset.abs().max() > 1
        expected = by_hand(layer, x[0], offset, mask.sigmoid())
        torch.testing.assert_close(layer(x, feat)[0], expected, rtol=1e-4, atol=1e-5)


def test_basicvsrpp_keeps_its_alignment_on_a_cpu(monkeypatch: pytest.MonkeyPatch):
    sizes = {'mid_channels': 16, 'num_blocks': 1, 'is_low_res_input': False}
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        aligned = AlignedBasicVSRPlusPlus(**sizes)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    stock = BasicVSRPlusPlus(**sizes)  # as it is built where there is CUDA
    stock.load_state_dict(aligned.state_dict())
    photos = torch.rand(1, 2, 3, 256, 256)
    with torch.no_grad():
        torch.testing.assert_close(aligned(photos), stock(photos), rtol=0, atol=0)
    assert ARCH_REGISTRY.get('AlignedBasicVSRPlusPlus') is AlignedBasicVSRPlusPlus
