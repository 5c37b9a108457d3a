"""Stock BasicSR models and option files train, resume and test through the same commands, on a CPU."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from spikereveal_plugin.cli.basicsr import main

pytestmark = pytest.mark.smoke
NETWORKS = {
    'MSRResNet': 'network_g: {type: MSRResNet, num_in_ch: 3, num_out_ch: 3, num_feat: 8, num_block: 1, upscale: 4}',
    'EDSR': 'network_g: {type: EDSR, num_in_ch: 3, num_out_ch: 3, num_feat: 8, num_block: 1, upscale: 4, res_scale: 1, '
    'img_range: 255., rgb_mean: [0.4488, 0.4371, 0.4040]}',
}
TRAIN = """
name: {name}
model_type: SRModel
scale: 4
num_gpu: 1  # as in BasicSR's own files; there is none here
manual_seed: 0
datasets:
  train:
    name: handful
    type: PairedImageDataset
    dataroot_gt: {root}/gt
    dataroot_lq: {root}/lq
    filename_tmpl: '{{}}'
    io_backend: {{type: disk}}
    gt_size: 32
    use_hflip: true
    use_rot: true
    use_shuffle: true
    num_worker_per_gpu: 1
    batch_size_per_gpu: 2
    dataset_enlarge_ratio: 3
    prefetch_mode: ~
  val:
    name: handful val
    type: PairedImageDataset
    dataroot_gt: {root}/gt
    dataroot_lq: {root}/lq
    io_backend: {{type: disk}}
{network}
path: {{pretrain_network_g: ~, strict_load_g: true, resume_state: ~}}
train:
  ema_decay: 0.999
  optim_g: {{type: Adam, lr: !!float 2e-4, weight_decay: 0, betas: [0.9, 0.99]}}
  scheduler: {{type: MultiStepLR, milestones: [3], gamma: 0.5}}
  total_iter: {total_iter}
  warmup_iter: -1
  pixel_opt: {{type: L1Loss, loss_weight: 1.0, reduction: mean}}
val: &val
  val_freq: !!float 2
  save_img: false
  metrics:
    psnr: {{type: calculate_psnr, crop_border: 4, test_y_channel: false}}
logger: {{print_freq: 1, save_checkpoint_freq: 2, use_tb_logger: true, wandb: {{project: ~, resume_id: ~}}}}
dist_params: {{backend: nccl, port: 29500}}
"""
TEST = """
name: test_{name}
model_type: SRModel
scale: 4
num_gpu: 1
manual_seed: 0
datasets:
  test_1:
    name: handful
    type: PairedImageDataset
    dataroot_gt: {root}/gt
    dataroot_lq: {root}/lq
    io_backend: {{type: disk}}
{network}
path: {{pretrain_network_g: experiments/{name}/models/net_g_latest.pth, param_key_g: params_ema, strict_load_g: true}}
val:
  save_img: true
  suffix: ~
  metrics:
    psnr: {{type: calculate_psnr, crop_border: 4, test_y_channel: false}}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ('gt', 'lq'):
        (tmp_path / kind).mkdir()
    for index in range(3):
        image = np.random.default_rng(index).integers(0, 256, (64, 64, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f'gt/{index}.png'), image)
        cv2.imwrite(str(tmp_path / f'lq/{index}.png'), cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings('ignore')  # of BasicSR's and TensorBoard's own code
@pytest.mark.parametrize('network', NETWORKS)
def test_train_resume_and_test(network: str, root: Path, capsys: pytest.CaptureFixture[str]):
    def write(name: str, text: str, total_iter: int) -> list[str]:
        (root / name).write_text(text.format(name=network, root=root, network=NETWORKS[network], total_iter=total_iter))
        return ['-opt', str(root / name)]

    assert main(['train', *write('train.yml', TRAIN, 3)]) == 0, capsys.readouterr().err
    assert main(['train', *write('train.yml', TRAIN, 5), '--auto_resume']) == 0, capsys.readouterr().err
    error = capsys.readouterr().err
    assert 'num_gpu: 1 asked for, 0 found; running on the CPU' in error
    assert 'Resuming training from epoch: 0, iter: 2' in error
    state = torch.load(root / f'experiments/{network}/training_states/4.state', weights_only=True)
    assert state['optimizers'][0]['param_groups'][0]['lr'] == pytest.approx(1e-4)
    assert main(['test', *write('test.yml', TEST, 0)]) == 0, capsys.readouterr().err
    assert len(list((root / f'results/test_{network}/visualization/handful').glob('*.png'))) == 3
    assert (root / f'tb_logger/{network}').is_dir()
