"""The supervised step: plain PyTorch's, at the middle or at every instant that has a sharp image; what it refuses."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from basicsr.models import build_model
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn

from spikereveal_plugin.cli.basicsr import main
from spikereveal_plugin.errors import OptionError, SpikeDataError

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
READOUTS = (20, 68, 100)


def build(**network: Any) -> Any:
    torch.manual_seed(1)
    train = {'optim_g': {'type': 'Adam', 'lr': 1e-3}, 'scheduler': {'type': 'CosineAnnealingRestartLR'}}
    opt = {
        'model_type': 'SpikeRestorationModel',
        'is_train': True,
        **{'dist': False, 'rank': 0, 'num_gpu': 0, 'datasets': {}, 'path': {}},
        'train': {**train, 'total_iter': 100, 'pixel_opt': {'type': 'L1Loss'}},
        'network_g': network or {'type': 'LDN'},
    }
    return build_model(copy.deepcopy(opt))


def batch(size: int = 2) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        'lq': torch.rand(size, 3, 32, 32, generator=generator),
        'spike': (torch.rand(size, 137, 8, 8, generator=generator) < 0.4).byte(),
        'exposure': torch.tensor([[20, 97]] * size),
        'lq_path': [f'a/{i}' for i in range(size)],
        'gt': torch.rand(size, 3, 32, 32, generator=generator),
    }


def with_sequence(data: dict[str, Any]) -> dict[str, Any]:
    sharp = torch.rand(2, len(READOUTS), 3, 32, 32, generator=torch.Generator().manual_seed(1))
    return {**data, 'gt_sequence': sharp, 'gt_instants': torch.tensor([READOUTS] * 2)}


def clipped(frame: Tensor) -> Tensor:
    return frame + (frame.clamp(0, 1) - frame).detach()


@pytest.mark.parametrize('add', [dict, with_sequence], ids=['middle', 'sequence'])
def test_a_step_is_the_plain_one(add: Callable[[dict[str, Any]], dict[str, Any]]):
    model, data = build(), add(batch())
    student = copy.deepcopy(model.net_g)
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-3)
    for iteration in (1, 2):
        model.feed_data(data)
        model.optimize_parameters(iteration)
        pairs = [(68, data['gt'])]  # readouts 20 to 116: the middle is 68
        if 'gt_sequence' in data:
            pairs = list(zip(READOUTS, data['gt_sequence'].unbind(1), strict=True))
        frames = [clipped(student(data['lq'], data['spike'][:, t - 10 : t + 11].float())) for t, _ in pairs]
        loss = sum((frame - sharp).abs().mean() for frame, (_, sharp) in zip(frames, pairs, strict=True)) / len(pairs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert model.get_current_log()['l_pix'] == pytest.approx(loss.item(), rel=1e-5)
        for ours, theirs in zip(model.net_g.parameters(), student.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


class Rated(nn.Module):
    """A student that asks for the exposure's firing rate, and gives it back as its frames."""

    num_spike = 3
    takes_long_rate = True

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, blur: Tensor, spikes: Tensor, long_rate: Tensor) -> Tensor:
        large = long_rate.repeat_interleave(4, 2).repeat_interleave(4, 3)
        return self.factor * large[:, None].expand(*spikes.shape[:2], *blur.shape[1:])


def test_a_student_that_asks_for_it_gets_the_firing_rate_of_the_exposure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ARCH_REGISTRY._obj_map, 'Rated', Rated)
    model, data = build(type='Rated'), batch()
    model.feed_data(data)
    model.optimize_parameters(1)
    rate = data['spike'][:, 20:117].float().mean(1)
    torch.testing.assert_close(model.output[:, 0, 0, ::4, ::4], rate)


def test_samples_of_a_batch_may_be_sharp_at_other_readouts():
    """Each sample's frames are those that it has alone, at its own readouts."""
    model, data = build(), with_sequence(batch())
    data['gt_instants'][1] += 1
    model.feed_data(data)
    with torch.no_grad():
        frames = model.student_frames_at(model.net_g, model.shot, model.instants)
        for index, instants in enumerate(data['gt_instants'].tolist()):
            alone = model.student_frames(model.net_g, model.shot.sample(index), instants)
            torch.testing.assert_close(frames[index : index + 1], alone)


def test_a_batch_without_sharp_images_is_refused():
    model, data = build(), batch()
    with pytest.raises(SpikeDataError, match='a/0: the training set brings no sharp image'):
        model.feed_data({key: value for key, value in data.items() if 'gt' not in key})


def test_sharp_images_are_asked_for_by_the_model_that_learns_from_them():
    from basicsr.utils.registry import MODEL_REGISTRY

    opt = {'datasets': {'train': {'type': 'SpikeBlurDataset', 'dataroot_gt': 'sharp.lmdb'}}}
    MODEL_REGISTRY.get('SpikeRestorationModel').complete_options(opt)
    assert opt['datasets']['train']['dataroot_gt'] == 'sharp.lmdb'
    MODEL_REGISTRY.get('BSNModel').complete_options(opt)
    assert 'dataroot_gt' not in opt['datasets']['train']
    with pytest.raises(OptionError, match=r'datasets\.train: SpikeRestorationModel learns from sharp images'):
        MODEL_REGISTRY.get('SpikeRestorationModel').complete_options(opt)


@pytest.mark.smoke
@pytest.mark.parametrize('name', ['supervised_ldn_gopro', 'supervised_large_gopro', 'supervised_ldn_sample'])
def test_option_files_train_resume_and_test(
    name: str, tmp_path: Path, tiny_set: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    data = name.rpartition('_')[2]
    (tmp_path / 'datasets').mkdir()
    (tmp_path / 'datasets' / {'gopro': 'GOPRO'}.get(data, data)).symlink_to(tiny_set)
    monkeypatch.chdir(tmp_path)
    entries = ['num_gpu=0', 'train:total_epoch=~', 'logger:save_checkpoint_freq=2', 'logger:use_tb_logger=false']
    entries += ['datasets:train:gt_size=32', 'datasets:train:batch_size_per_gpu=2', 'train:ema_decay=0.5']
    command = ['train', '-opt', str(OPTIONS / f'{name}.yml'), '--force_yml', *entries]
    command += ['datasets:train:num_worker_per_gpu=0']
    assert main([*command, 'train:total_iter=2']) == 0, capsys.readouterr().err
    assert main([*command, 'train:total_iter=3', '--auto_resume']) == 0, capsys.readouterr().err
    assert 'Resuming training from epoch: 0, iter: 2' in capsys.readouterr().err
    weights = f'experiments/{name}/models/net_g_latest.pth'
    entries = ['num_gpu=0', f'path:pretrain_network_g={weights}', 'path:param_key_g=params_ema']
    test = ['test', '-opt', str(OPTIONS / f'test_ldn_{data}.yml'), '--force_yml', 'val:methods=[blur, sdm, ldn]']
    entries += ['network_g:num_feat=64'] if 'large' in name else []
    assert main([*test, *entries]) == 0, capsys.readouterr().err
    table = capsys.readouterr().err
    assert all(f'\n| {row} ' in table for row in ('blur', 'sdm', 'ldn'))
    assert "val.methods: 'ldn' is called 'student' now" in table
