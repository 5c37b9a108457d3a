"""A network in the teacher's place: what it sees, what is learnt from it, and what it cannot do."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from basicsr.models import build_model

from spikereveal_plugin.archs import LDNPlus, TaperedSDM
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.models.teach import teach
from spikereveal_plugin.shot import Shot

TRAIN = {
    'optim_g': {'type': 'Adam', 'lr': 1e-3},
    'scheduler': {'type': 'CosineAnnealingRestartLR'},
    'total_iter': 10,
    'distill_opt': {'type': 'L1Loss'},
}


def build(train: dict[str, Any] | None = None, **sections: Any) -> Any:
    torch.manual_seed(0)
    opt = {
        'model_type': 'SpikeDistillModel',
        'is_train': True,
        'dist': False,
        'rank': 0,
        'num_gpu': 0,
        'datasets': {},
        'path': {},
        'network_g': {'type': 'LDNPlus', 'num_feat': 8, 'num_block_photo': 1, 'num_block': 1},
        'network_teacher': {'type': 'TaperedSDM', 'sigma': 3.0},
        'train': {**TRAIN, **(train or {})},
        **sections,
    }
    return build_model(opt)


def batch(size: int = 2) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    spikes = (torch.rand(size, 137, 8, 8, generator=generator) < 0.4).byte()
    return {
        'lq': torch.rand(size, 3, 32, 32, generator=generator),
        'spike': spikes & (torch.rand(spikes.shape, generator=generator) < 0.5).byte(),
        'recorded': spikes,
        'exposure': torch.tensor([[20, 97]] * size),
        'lq_path': [f'a/{i}' for i in range(size)],
    }


def test_the_teacher_sees_what_was_recorded_and_the_student_what_was_spoilt():
    model, data = build(), batch()
    model.feed_data(data)
    model.optimize_parameters(1)
    instants, rate = (20, 44, 68, 92, 116), data['recorded'].float()
    wanted = [
        TaperedSDM(sigma=3.0)(data['lq'], rate[:, t - 20 : t + 21], rate[:, 20:117].mean(1, keepdim=True)).clamp(0, 1)
        for t in instants
    ]
    torch.manual_seed(0)
    student, seen = build().net_g, data['spike'].float()
    with torch.no_grad():
        frames = [
            student(data['lq'], seen[:, t - 20 : t + 21], seen[:, 20:117].mean(1, keepdim=True)) for t in instants
        ]
    expected = sum((f.clamp(0, 1) - w).abs().mean() for f, w in zip(frames, wanted, strict=True)) / len(instants)
    assert model.get_current_log()['l_distill'] == pytest.approx(float(expected), rel=1e-5)


def test_the_density_of_the_recorded_spikes_is_its_own():
    model, data = build(), batch()
    data |= {'density_ratio': torch.tensor([2.0, 2.0]), 'recorded_density_ratio': torch.tensor([1.0, 1.0])}
    model.feed_data(data)
    torch.testing.assert_close(model.recorded.spikes, data['recorded'].float())
    assert float(model.shot.spikes.mean()) == pytest.approx(2 * float(data['spike'].float().mean()), rel=1e-3)


def test_a_trained_student_teaches(tmp_path: Path):
    torch.manual_seed(5)
    network = LDNPlus(num_feat=8, num_block_photo=1, num_block=1)
    torch.nn.init.normal_(network.last.weight, std=0.1)
    torch.save({'params': network.state_dict()}, tmp_path / 'net.pth')
    section = {'type': 'LDNPlus', 'num_feat': 8, 'num_block_photo': 1, 'num_block': 1}
    model = build(network_teacher=section, path={'pretrain_network_teacher': str(tmp_path / 'net.pth')})
    data = batch()
    shot = Shot(data['lq'], data['recorded'], Exposure(20, 97))
    rate = data['recorded'].float()
    expected = network(data['lq'], rate[:, 48:89], rate[:, 20:117].mean(1, keepdim=True)).clamp(0, 1)
    torch.testing.assert_close(next(model.teacher().frames(shot, [68])), expected)
    with pytest.raises(OptionError, match='needs the section network_teacher and its weights'):
        build(network_teacher=section)


def test_instants_are_drawn_anew_in_every_step():
    model = build({'instants': 'random', 'num_instants': 3})
    model.feed_data(batch())
    random.seed(0)
    drawn = [model.instants() for _ in range(200)]
    assert all(len(set(t)) == 3 and list(t) == sorted(t) for t in drawn)
    assert {t for each in drawn for t in each} == set(range(20, 117))
    model = build({'instants': 'random', 'num_instants': 98})
    model.feed_data(batch())
    with pytest.raises(OptionError, match='98 different ones do not fit in the 97'):
        model.instants()


@pytest.mark.parametrize(
    ('train', 'sections', 'match'),
    [
        ({'instants': 'random', 'teacher': 'cache'}, {}, 'random needs teacher: online'),
        ({'instants': 'often'}, {}, 'instants'),
        ({}, {'network_teacher': {'type': 'RRDBNet', 'num_in_ch': 3, 'num_out_ch': 3}}, 'pretrain_network_teacher'),
        ({}, {'network_teacher': {'type': 'TaperedSMD'}}, 'TaperedSDM'),
    ],
)
def test_what_cannot_be_is_said(train: dict[str, Any], sections: dict[str, Any], match: str):
    with pytest.raises(OptionError, match=match):
        build(train, **sections)


def test_it_has_no_cache_and_no_part_that_denoises(tiny_set: Path):
    data = {
        'name': 'tiny',
        'type': 'SpikeBlurDataset',
        'dataroot_lq': str(tiny_set / 'train/blur.lmdb'),
        'dataroot_spike': str(tiny_set / 'train/spike.lmdb'),
        'dataroot_teacher': str(tiny_set / 'teacher.lmdb'),
        'io_backend': {'type': 'lmdb'},
        'gt_size': 32,
    }
    with pytest.raises(OptionError, match='train.teacher: cache needs the teacher of network_bsn and network_sr'):
        build({'teacher': 'cache'}, datasets={'train': data})
    with pytest.raises(OptionError, match='val.methods: sdm_bsn needs the teacher of network_bsn and network_sr'):
        build(val={'methods': ['blur', 'sdm_bsn']})
    opt = {'network_teacher': {'type': 'TaperedSDM'}, 'datasets': {'train': data}, 'num_gpu': 0}
    with pytest.raises(OptionError, match='only the published teacher is cached'):
        teach(opt, tiny_set / 'no.lmdb', 'float32', overwrite=False)


def test_the_spikes_as_recorded_are_what_respike_compares_with():
    model = build({'distill_opt': None, 'respike_opt': {'type': 'RespikeLoss'}})
    model.feed_data(batch())
    light = next(model.light_of_spikes([68]))
    recorded = batch()['recorded'].float()
    assert light.mean() == pytest.approx(
        float((recorded[:, 64:73].mean(1) / recorded[:, 20:117].mean((1, 2, 3))[:, None, None]).mean() * 0.5), rel=0.1
    )
