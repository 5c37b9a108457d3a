"""One training step of the student: what it must equal, and what `train` may change about it."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from basicsr.models import build_model
from torch import nn

from spikereveal_plugin.archs import BSN, SpikeEDSR
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.models.batch import shot_of_batch
from spikereveal_plugin.shot import Shot

Build = Callable[..., Any]
INSTANTS = (20, 44, 68, 92, 116)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A function that builds a small `SpikeDistillModel` with entries over `train`."""
    torch.manual_seed(0)
    alex = torchvision.models.alexnet(weights=None).features.state_dict()
    torch.save({f'features.{key}': value for key, value in alex.items()}, tmp_path / 'alex.pth')
    networks = {
        'network_g': {'type': 'LDN'},
        'network_bsn': {'type': 'BSN', 'num_feat': 4},
        'network_sr': {'type': 'SpikeEDSR', 'num_feat': 8, 'num_block': 1},
    }
    torch.save({'params': BSN(num_feat=4).state_dict()}, tmp_path / 'bsn.pth')
    torch.save({'params': SpikeEDSR(num_feat=8, num_block=1).state_dict()}, tmp_path / 'sr.pth')
    train = {
        'optim_g': {'type': 'Adam', 'lr': 1e-3},
        'scheduler': {'type': 'CosineAnnealingRestartLR'},
        'total_iter': 100,
        'distill_opt': {'type': 'LPIPSLoss', 'net': 'alex', 'backbone_path': str(tmp_path / 'alex.pth')},
        'reblur_opt': {'type': 'ReblurLoss'},
    }

    def build(student: str = 'LDN', seed: int = 1, **changes: Any) -> Any:
        torch.manual_seed(seed)
        networks['network_g'] = {'type': student}
        opt = {
            'model_type': 'SpikeDistillModel',
            'is_train': True,
            'dist': False,
            'rank': 0,
            'num_gpu': 0,
            'datasets': {},
            'path': {
                'pretrain_network_bsn': str(tmp_path / 'bsn.pth'),
                'pretrain_network_sr': str(tmp_path / 'sr.pth'),
            },
            'train': {**train, **changes},
            **networks,
        }
        return build_model(copy.deepcopy(opt))

    return build


def batch(seed: int, size: int = 2) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(seed)
    return {
        'lq': torch.rand(size, 3, 32, 32, generator=generator),
        'spike': (torch.rand(size, 137, 8, 8, generator=generator) < 0.4).byte(),
        'exposure': torch.tensor([[20, 97]] * size),
        'lq_path': [f'a/{i}' for i in range(size)],
    }


def iterate(model: Any, data: dict[str, Any], iteration: int = 1) -> dict[str, float]:
    model.feed_data(data)
    model.optimize_parameters(iteration)
    return model.get_current_log()


def gradients(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.grad.clone() for name, parameter in network.named_parameters()}


class Naive:
    """The authors' way, from the paper's equations: everything again for each instant, one graph of it all."""

    def __init__(self, model: Any) -> None:
        teacher = copy.deepcopy(model.teacher())
        self.bsn, self.edsr = teacher.denoiser, teacher.upscaler
        self.student = copy.deepcopy(model.net_g)
        self.lpips = copy.deepcopy(model.cri_distill).lpips
        self.optimizer = torch.optim.Adam(self.student.parameters(), lr=1e-3)

    def iterate(self, data: dict[str, Any]) -> dict[str, float]:
        blur, spikes = data['lq'], data['spike'].float()
        frames, perceptual = [], []
        for t in INSTANTS:
            with torch.no_grad():
                long = self.edsr(spikes[:, 20:117].mean(1, keepdim=True)).clamp(0, 1)
                short = self.bsn(spikes[:, t - 4 : t + 5].mean(1, keepdim=True)).clamp(0, 1)
                short = self.edsr(short).clamp(0, 1)
                teacher = torch.where(long == 0, 0, blur * short / long).clamp(0, 1)
            raw = self.student(blur, spikes[:, t - 10 : t + 11])
            frame = raw + (raw.clamp(0, 1) - raw).detach()
            frames.append(frame)
            perceptual.append(self.lpips(2 * frame - 1, 2 * teacher - 1).mean())
        l_distill = sum(perceptual) / len(INSTANTS)
        l_reblur = 100 * (sum(frames) / len(INSTANTS) - blur).square().mean()
        self.optimizer.zero_grad()
        (l_distill + l_reblur).backward()
        self.optimizer.step()
        return {'l_distill': l_distill.item(), 'l_reblur': l_reblur.item()}


@pytest.mark.parametrize('teacher', ['online', 'cache'])
def test_twenty_steps_are_the_naive_ones(build: Build, teacher: str):
    """The same losses and gradients to 1e-5, step by step along one trajectory."""
    model = build()
    naive = Naive(model)
    for step in range(20):
        data = batch(step)
        if teacher == 'cache':
            gains = torch.cat([*model.teacher().gains(shot_of_batch(data, torch.device('cpu')), INSTANTS)], dim=1)
            data |= {'teacher_gain': gains, 'teacher_instants': torch.tensor([INSTANTS] * 2)}
            model.is_teacher_cached = True
        naive.student.load_state_dict(model.net_g.state_dict())
        expected = naive.iterate(data)
        assert iterate(model, data, step + 1) == pytest.approx(expected, rel=1e-5)
        theirs = gradients(naive.student)
        for name, grad in gradients(model.net_g).items():
            assert (grad - theirs[name]).norm() <= 1e-5 * theirs[name].norm(), (step, name)
    updated = [*naive.student.parameters()]
    for ours, other in zip(model.net_g.parameters(), updated, strict=True):
        torch.testing.assert_close(ours, other, rtol=0, atol=1e-4)


def test_a_step_of_ldn_plus_with_all_three_losses_is_the_naive_one(build: Build):
    """The long rate reaches the network, and the gradient of each loss every instant."""
    model = build('LDNPlus', respike_opt={'type': 'RespikeLoss', 'loss_weight': 20})
    student, data = copy.deepcopy(model.net_g), batch(0)
    blur, spikes = data['lq'], data['spike'].float()
    long_rate = spikes[:, 20:117].mean(1, keepdim=True)
    raw = torch.stack([student(blur, spikes[:, t - 20 : t + 21], long_rate) for t in INSTANTS], dim=1)
    frames = raw + (raw.clamp(0, 1) - raw).detach()
    gray = 0.30 * frames[:, :, 0] + 0.59 * frames[:, :, 1] + 0.11 * frames[:, :, 2]
    seen = gray.unflatten(2, (8, 4)).unflatten(4, (8, 4)).mean((3, 5))
    blur_gray = 0.30 * blur[:, 0] + 0.59 * blur[:, 1] + 0.11 * blur[:, 2]
    scale = (blur_gray.mean((1, 2)) / long_rate.mean((1, 2, 3)))[:, None, None, None]
    short = torch.stack([spikes[:, t - 4 : t + 5].mean(1) for t in INSTANTS], dim=1)
    teacher = [*model.teacher().frames(Shot(blur, spikes, Exposure(20, 97)), INSTANTS)]
    lpips = copy.deepcopy(model.cri_distill).lpips
    pairs = zip(frames.unbind(1), teacher, strict=True)
    expected = {
        'l_distill': torch.stack([lpips(2 * frame - 1, 2 * wanted - 1).mean() for frame, wanted in pairs]).mean(),
        'l_respike': 20 * (seen - scale * short).square().mean(),
        'l_reblur': 100 * (frames.mean(1) - blur).square().mean(),
    }
    sum(expected.values()).backward()
    assert iterate(model, data) == pytest.approx({name: loss.item() for name, loss in expected.items()}, rel=1e-5)
    theirs = gradients(student)
    for name, grad in gradients(model.net_g).items():
        assert (grad - theirs[name]).norm() <= 1e-4 * theirs[name].norm(), name


def test_the_spikes_alone_may_teach(build: Build):
    model = build('LDNPlus', distill_opt=None, reblur_opt=None, respike_opt={'type': 'RespikeLoss'})
    first = iterate(model, batch(0))
    assert list(first) == ['l_respike']
    assert [iterate(model, batch(0), step) for step in (2, 3, 4)][-1]['l_respike'] < first['l_respike']
    with pytest.raises(OptionError, match='distill_opt, reblur_opt and respike_opt are all missing'):
        build(distill_opt=None, reblur_opt=None)


def test_one_graph_of_the_loss_is_alive_at_a_time(build: Build):
    model = build()
    alive, most = [0], [0]

    class Counted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            alive[0] -= 1
            return grad

    loss = model.cri_distill
    model.cri_distill = lambda pred, target: loss(Counted.apply(pred), target)
    iterate(model, batch(0))
    assert (alive, most) == ([0], [1])


def test_the_student_runs_once_and_the_long_rate_once(build: Build):
    model = build()
    student, upscaled = [], []
    model.net_g.register_forward_hook(lambda *_: student.append(1))
    model.teacher().upscaler.register_forward_hook(lambda *_: upscaled.append(1))
    iterate(model, batch(0))
    assert len(student) == 1
    assert len(upscaled) == len(INSTANTS) + 1


def test_accumulated_batches_are_one_large_batch(build: Build):
    whole, halves = build(), build(accumulate=2)
    data = batch(0, size=4)
    iterate(whole, data)
    before = copy.deepcopy(halves.net_g.state_dict())
    for number, part in enumerate((slice(0, 2), slice(2, 4))):
        iterate(halves, {key: value[part] for key, value in data.items()}, number + 1)
        assert torch.equal(halves.net_g.state_dict()['last.bias'], before['last.bias']) == (number == 0)
    for ours, theirs in zip(halves.net_g.parameters(), whole.net_g.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_a_stopped_accumulation_goes_on(build: Build):
    straight, stopped, resumed = build(accumulate=2), build(accumulate=2), build(accumulate=2)
    iterate(straight, batch(0))
    iterate(straight, batch(1))
    iterate(stopped, batch(0))
    resumed.descent.load_state_dict(stopped.descent.state_dict())
    iterate(resumed, batch(1))
    for ours, theirs in zip(resumed.net_g.parameters(), straight.net_g.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_gradient_is_clipped(build: Build):
    free, clipped = build(), build(grad_clip=0.01)
    norms = []
    for model in (free, clipped):
        iterate(model, batch(0))
        norms.append(torch.cat([grad.flatten() for grad in gradients(model.net_g).values()]).norm().item())
    assert norms[0] > 0.02
    assert norms[1] == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(('amp', 'tolerance'), [('bf16', 0.03), ('fp16', 0.01)])
def test_mixed_precision_is_near(build: Build, amp: str, tolerance: float):
    single, mixed = build(), build(amp=amp)
    expected = iterate(single, batch(0))
    assert iterate(mixed, batch(0)) == pytest.approx(expected, rel=tolerance)
    while not all(grad.isfinite().all() for grad in gradients(mixed.net_g).values()):  # the scale is still coming down
        iterate(mixed, batch(0))
    assert {parameter.dtype for parameter in mixed.net_g.parameters()} == {torch.float32}
    grads = [torch.cat([grad.flatten() for grad in gradients(model.net_g).values()]) for model in (single, mixed)]
    assert torch.nn.functional.cosine_similarity(*grads, dim=0) > 0.99


def test_an_overflow_in_fp16_skips_the_step_and_halves_the_scale(build: Build):
    model = build(amp='fp16')
    before = model.descent.state_dict()['scaler']['scale']
    weights = copy.deepcopy(model.net_g.state_dict())
    data = batch(0)
    model.feed_data(data)
    cri = model.cri_reblur
    model.cri_reblur = None
    model.cri_distill = lambda frame, wanted: frame.sum() * 1e38
    model.optimize_parameters(1)
    model.cri_reblur = cri
    assert model.descent.state_dict()['scaler']['scale'] == before / 2
    assert all(torch.equal(value, weights[name]) for name, value in model.net_g.state_dict().items())


@pytest.mark.parametrize('model_type', ['BSNModel', 'SpikeEDSRModel'])
@pytest.mark.parametrize('train', [{'amp': 'bf16'}, {'amp': 'fp16', 'grad_clip': 0.1}, {'accumulate': 2}], ids=str)
def test_the_other_stages_have_the_same_options(tmp_path: Path, model_type: str, train: dict[str, Any]):
    network = {'type': 'BSN', 'num_feat': 4} if model_type == 'BSNModel' else {'type': 'SpikeEDSR', 'num_block': 1}
    torch.manual_seed(0)
    opt = {
        'model_type': model_type,
        'is_train': True,
        'dist': False,
        'rank': 0,
        'num_gpu': 0,
        'datasets': {},
        'path': {},
        'network_g': network,
        'train': {
            'optim_g': {'type': 'Adam', 'lr': 1e-3},
            'scheduler': {'type': 'CosineAnnealingRestartLR'},
            'total_iter': 10,
            'pixel_opt': {'type': 'MSELoss'},
            **train,
        },
    }
    model = build_model(opt)
    before = copy.deepcopy(model.net_g.state_dict())
    for step in (1, 2):
        assert 0 < iterate(model, batch(step), step)['l_pix'] < 1
    assert any(not torch.equal(value, before[name]) for name, value in model.net_g.state_dict().items())


def test_compiling_keeps_names_and_numbers(build: Build, monkeypatch: pytest.MonkeyPatch):
    compile_of = nn.Module.compile
    monkeypatch.setattr(nn.Module, 'compile', lambda net: compile_of(net, backend='eager'))  # no C++ compiler needed
    plain, compiled = build(), build(compile=True)
    assert compiled.net_g._compiled_call_impl is not None
    assert list(plain.net_g.state_dict()) == list(compiled.net_g.state_dict())
    assert iterate(compiled, batch(0)) == pytest.approx(iterate(plain, batch(0)), rel=1e-6)


@pytest.fixture
def process_group(tmp_path: Path) -> Iterator[None]:
    torch.distributed.init_process_group('gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_gradients_pass_through_ddp_once(build: Build, process_group: None):
    plain, wrapped = build(), build()
    wrapped.net_g = nn.parallel.DistributedDataParallel(wrapped.net_g)
    hooks: list[int] = []
    wrapped.net_g.register_comm_hook(None, lambda state, bucket: hooks.append(bucket.index()) or done(bucket))
    expected = iterate(plain, batch(0))
    assert iterate(wrapped, batch(0)) == pytest.approx(expected, rel=1e-6)
    assert sorted(hooks) == [*range(len(hooks))]
    for ours, theirs in zip(wrapped.net_g.parameters(), plain.net_g.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def done(bucket: Any) -> Any:
    future: Any = torch.futures.Future()
    future.set_result(bucket.buffer())
    return future


@pytest.mark.parametrize(
    ('train', 'match'),
    [
        ({'amp': 'bf8'}, "train.amp: expected one of 'bf16', 'fp16' or ~, found 'bf8'"),
        ({'accumulate': 0}, 'train.accumulate: expected at least 1'),
        ({'grad_clip': 0}, 'train.grad_clip: expected a number above 0'),
        ({'teacher': 'cahe'}, "train.teacher: expected one of 'online', 'cache', found 'cahe'"),
        ({'teacher': 'cache'}, 'train.teacher: cache needs datasets.train.dataroot_teacher'),
    ],
)
def test_a_mistake_is_said(build: Build, train: dict[str, Any], match: str):
    with pytest.raises((OptionError, KeyError), match=match):
        build(**train)


def test_a_cache_that_the_data_do_not_bring_is_said(build: Build):
    model = build()
    model.is_teacher_cached = True
    with pytest.raises(OptionError, match=r'the data bring \(\), trained are readouts \(20, 44, 68, 92, 116\)'):
        iterate(model, batch(0))
