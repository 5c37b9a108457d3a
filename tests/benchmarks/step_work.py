"""The work that bench_step.py times: one item, the teacher, a training step, the authors' way and here."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from bench_data import item_by_whole_files, make_files
from lpips import LPIPS
from torch.nn import functional as F
from torchvision.models import vgg

import spikereveal_plugin  # noqa: F401  makes `import basicsr` work
from spikereveal_plugin.archs import BSN, LDN, SpikeEDSR

INSTANTS = (20, 44, 68, 92, 116)
LIGHT = {'type': 'L1Loss'}


def make_weights(folder: Path) -> None:
    """Random weights of the teacher, and of VGG16 in torchvision's layout."""
    torch.manual_seed(0)
    torch.save({'params': BSN().state_dict()}, folder / 'bsn.pth')
    torch.save({'params': SpikeEDSR().state_dict()}, folder / 'sr.pth')
    features = vgg.make_layers(vgg.cfgs['D'], batch_norm=False).state_dict()  # the classifier is nine tenths of it
    torch.save({f'features.{key}': value for key, value in features.items()}, folder / 'vgg.pth')


def make_batch(crop: int, size: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        'lq': torch.rand(size, 3, crop, crop, generator=generator),
        'spike': (torch.rand(size, 137, crop // 4, crop // 4, generator=generator) < 0.4).byte(),
        'exposure': torch.tensor([[20, 97]] * size),
        'teacher_gain': torch.rand(size, 5, crop, crop, generator=generator) + 0.5,
        'teacher_instants': torch.tensor([INSTANTS] * size),
    }


def authors_teacher(bsn: BSN, edsr: SpikeEDSR, blur: torch.Tensor, spikes: torch.Tensor, t: int) -> torch.Tensor:
    with torch.no_grad():
        long = edsr(spikes[:, 20:117].mean(1, keepdim=True)).clamp(0, 1)
        short = edsr(bsn(spikes[:, t - 4 : t + 5].mean(1, keepdim=True)).clamp(0, 1)).clamp(0, 1)
        return torch.where(long == 0, 0, blur * short / long).clamp(0, 1)


def authors_step(folder: Path, batch: dict[str, Any], loss: str) -> Callable[[], object]:
    bsn, edsr, student = BSN(square_padding=True).eval(), SpikeEDSR().eval(), LDN()
    optimizer = torch.optim.Adam(student.parameters(), 1e-3)
    warnings.filterwarnings('ignore', category=UserWarning, module='torchvision')  # of what LPIPS calls
    lpips = LPIPS(net='vgg', pnet_rand=True, verbose=False).requires_grad_(False) if loss == 'vgg' else None

    def step() -> None:
        blur, spikes = batch['lq'], batch['spike'].float()
        frames, losses = [], []
        for t in INSTANTS:
            target = authors_teacher(bsn, edsr, blur, spikes, t)
            frames.append(student(blur, spikes[:, t - 10 : t + 11]).clamp(0, 1))
            losses.append(lpips(frames[-1], target).mean() if lpips else F.l1_loss(frames[-1], target))
        total = sum(losses) / len(INSTANTS) + 100 * F.mse_loss(torch.stack(frames).mean(0), blur)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()

    return step


def our_step(folder: Path, batch: dict[str, Any], loss: str, teacher: str, amp: str | None) -> Callable[[], object]:
    from basicsr.models import build_model

    perceptual = {'type': 'LPIPSLoss', 'net': 'vgg', 'backbone_path': str(folder / 'vgg.pth')}
    train = {
        'optim_g': {'type': 'Adam', 'lr': 1e-3},
        'scheduler': {'type': 'CosineAnnealingRestartLR'},
        'total_iter': 100,
        'distill_opt': perceptual if loss == 'vgg' else LIGHT,
        'reblur_opt': {'type': 'ReblurLoss'},
        'amp': amp,
    }
    opt = {'model_type': 'SpikeDistillModel', 'is_train': True, 'dist': False, 'rank': 0, 'num_gpu': 0, 'datasets': {}}
    opt |= {'network_g': {'type': 'LDN'}, 'network_bsn': {'type': 'BSN'}, 'network_sr': {'type': 'SpikeEDSR'}}
    opt['path'] = {f'pretrain_network_{key}': str(folder / f'{key}.pth') for key in ('bsn', 'sr')}
    model = build_model({**opt, 'train': train})
    model.is_teacher_cached = teacher == 'cache'

    def step() -> None:
        model.feed_data(batch)
        model.optimize_parameters(1)

    return step


def our_teacher(folder: Path, batch: dict[str, Any]) -> Callable[[], object]:
    from spikereveal_plugin.exposure import Exposure
    from spikereveal_plugin.restorers.cascade import Cascade
    from spikereveal_plugin.shot import Shot

    networks = (network.to(memory_format=torch.channels_last) for network in (BSN(), SpikeEDSR()))
    teacher = Cascade(*networks, 9)
    return lambda: [*teacher.frames(Shot(batch['lq'], batch['spike'], Exposure(20, 97)), INSTANTS)]


def work_of(name: str, folder: Path, crop: int, size: int) -> Callable[[], object]:
    """What a row of the table does once; `name` is `whose what [how]`."""
    whose, what, *how = name.split()
    if what == 'item':
        dataset = make_files(folder)
        return (lambda: item_by_whole_files(folder)) if whose == 'authors' else (lambda: dataset[0])
    make_weights(folder)
    batch = make_batch(crop, size)
    if what == 'teacher' and whose == 'authors':
        bsn, edsr = BSN(square_padding=True).eval(), SpikeEDSR().eval()
        spikes = batch['spike'].float()
        return lambda: [authors_teacher(bsn, edsr, batch['lq'], spikes, t) for t in INSTANTS]
    if what == 'teacher':
        return our_teacher(folder, batch)
    if whose == 'authors':
        return authors_step(folder, batch, what)
    return our_step(folder, batch, what, how[0], how[1] if len(how) > 1 else None)
