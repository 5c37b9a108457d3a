"""What several tests train on: the tiny data set, and a stock BasicSR model with a handful of pictures."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

STOCK = """
name: stock
model_type: SRModel
scale: 4
num_gpu: 0
manual_seed: 0
datasets:
  train: {name: handful, type: PairedImageDataset, dataroot_gt: gt, dataroot_lq: lq, filename_tmpl: '{}',
          io_backend: {type: disk}, gt_size: 32, use_hflip: true, use_rot: true, num_worker_per_gpu: 1,
          batch_size_per_gpu: 2, dataset_enlarge_ratio: 3, prefetch_mode: cpu}
  val: {name: handful val, type: PairedImageDataset, dataroot_gt: gt, dataroot_lq: lq, io_backend: {type: disk}}
network_g: {type: MSRResNet, num_in_ch: 3, num_out_ch: 3, num_feat: 8, num_block: 1, upscale: 4}
path: {pretrain_network_g: ~, strict_load_g: true, resume_state: ~}
train:
  ema_decay: 0.9
  optim_g: {type: Adam, lr: 2e-4}
  scheduler: {type: MultiStepLR, milestones: [10, 30], gamma: 0.5}
  total_iter: 40
  pixel_opt: {type: L1Loss}
val: {val_freq: 7, save_best: psnr, metrics: {psnr: {type: calculate_psnr, crop_border: 0}}}
logger: {print_freq: 1, save_checkpoint_freq: 5, use_tb_logger: false}
"""


@pytest.fixture
def stock() -> Callable[[Path], Path]:
    """Put `stock.yml` and its pictures into a folder."""

    def make(folder: Path) -> Path:
        for index in range(3):
            image = np.random.default_rng(index).integers(0, 256, (64, 64, 3), np.uint8)
            for kind, picture in (('gt', image), ('lq', cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA))):
                (folder / kind).mkdir(exist_ok=True)
                cv2.imwrite(str(folder / kind / f'{index}.png'), picture)
        (folder / 'stock.yml').write_text(STOCK)
        return folder / 'stock.yml'

    return make


@pytest.fixture
def workspace(tmp_path: Path, tiny_set: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the tiny data set as `datasets/sample`."""
    (tmp_path / 'datasets').mkdir()
    (tmp_path / 'datasets/sample').symlink_to(tiny_set)
    monkeypatch.chdir(tmp_path)
    return tmp_path
