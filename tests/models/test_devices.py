"""No device but the batch's and the model's takes part in a step: shown without a GPU, on `meta` in its place."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from basicsr.models import base_model, build_model
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from spikereveal_plugin.archs import BSN, SpikeEDSR
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.models import descent
from spikereveal_plugin.models.descent import Descent
from spikereveal_plugin.models.sections import TrainOptions
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.pipelines.random_state import random_state, set_random_state
from spikereveal_plugin.pipelines.resume import read_state

META = torch.device('meta')
NETWORKS = {
    'BSNModel': {'type': 'BSN', 'num_feat': 4},
    'SpikeEDSRModel': {'type': 'SpikeEDSR', 'num_feat': 8, 'num_block': 1},
    'SpikeDistillModel': {'type': 'LDN'},
}


class TorchWithAnotherDevice:
    """`torch` as `BaseModel` sees it on a machine with a GPU, which is `meta` here."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    def device(self, name: str) -> torch.device:
        assert name == 'cuda'
        return META


class Devices(TorchDispatchMode):
    """The operations that make a tensor of more than one number on the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.on_cpu: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        if any(tensor.device.type == 'cpu' and tensor.numel() > 1 for tensor in made):
            self.on_cpu.append(str(func))
        return result


@contextmanager
def another_device(monkeypatch: pytest.MonkeyPatch, kinds: list[str]) -> Iterator[None]:
    """Models are built on `meta`; what has no meaning there (numbers of losses) is left out, `kinds` are recorded."""
    monkeypatch.setattr(base_model, 'torch', TorchWithAnotherDevice())
    monkeypatch.setattr(torch, 'autocast', lambda kind, **_: kinds.append(kind) or nullcontext())
    monkeypatch.setattr(SpikeModel, 'reduce_loss_dict', lambda self, losses: losses)
    yield


def options(model_type: str, folder: Path) -> dict[str, Any]:
    torch.save({'params': BSN(num_feat=4).state_dict()}, folder / 'bsn.pth')
    torch.save({'params': SpikeEDSR(num_feat=8, num_block=1).state_dict()}, folder / 'sr.pth')
    alex = torchvision.models.alexnet(weights=None).features.state_dict()
    torch.save({f'features.{key}': value for key, value in alex.items()}, folder / 'alex.pth')
    pixel = {'pixel_opt': {'type': 'MSELoss'}}
    student = {
        'distill_opt': {'type': 'LPIPSLoss', 'net': 'alex', 'backbone_path': str(folder / 'alex.pth')},
        'reblur_opt': {'type': 'ReblurLoss'},
    }
    opt = {
        'model_type': model_type,
        'is_train': True,
        'dist': False,
        'rank': 0,
        'num_gpu': 1,
        'datasets': {},
        'path': {},
        'network_g': NETWORKS[model_type],
        'train': {
            'optim_g': {'type': 'Adam', 'lr': 1e-3},
            'scheduler': {'type': 'CosineAnnealingRestartLR'},
            'total_iter': 10,
            'grad_clip': 0.1,
            'ema_decay': 0.9,
            **(student if model_type == 'SpikeDistillModel' else pixel),
        },
    }
    if model_type == 'SpikeDistillModel':
        opt |= {'network_bsn': NETWORKS['BSNModel'], 'network_sr': NETWORKS['SpikeEDSRModel']}
        opt['path'] = {f'pretrain_network_{key}': str(folder / f'{key}.pth') for key in ('bsn', 'sr')}
    return copy.deepcopy(opt)


def batch(device: torch.device | str, size: int = 2) -> dict[str, Any]:
    """What a loader brings; numbers that steer the step stay on the CPU."""
    return {
        'lq': torch.rand(size, 3, 32, 32, device=device),
        'spike': torch.ones(size, 137, 8, 8, dtype=torch.uint8, device=device),
        'exposure': torch.tensor([[20, 97]] * size),
        'lq_path': ['a'] * size,
    }


@pytest.mark.filterwarnings('ignore:.*copying from a non-meta parameter')  # weights of a file, not looked at here
@pytest.mark.parametrize('model_type', NETWORKS)
def test_a_step_makes_nothing_on_the_cpu(model_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kinds: list[str] = []
    with another_device(monkeypatch, kinds):
        model = build_model(options(model_type, tmp_path))
        model.feed_data(batch('cpu'))  # as a loader brings it: the model moves it
        assert (model.lq.device, model.shot.spikes.device) == (META, META)
        model.feed_data(batch(META))
        with Devices() as devices:
            model.optimize_parameters(1)
    assert devices.on_cpu == []
    assert set(kinds) == {'meta'}
    assert all(parameter.grad is not None and parameter.grad.device == META for parameter in model.net_g.parameters())
    assert model.output.device == META
    held = [value for value in vars(model).values() if isinstance(value, torch.nn.Module)]
    assert {t.device for module in held for t in (*module.parameters(), *module.buffers())} == {META}


def test_the_watch_sees_a_tensor_on_the_cpu():
    with Devices() as devices:
        torch.zeros(2, device=META) + 1
        assert devices.on_cpu == []
        torch.zeros(2)
    assert devices.on_cpu == ['aten.zeros.default']


@pytest.mark.filterwarnings('ignore:.*copying from a non-meta parameter')
def test_gains_of_the_cache_go_where_the_batch_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with another_device(monkeypatch, []):
        model = build_model(options('SpikeDistillModel', tmp_path))
        instants = Exposure(20, 97).instants(5, 21, 137)
        gains = {'teacher_gain': torch.ones(2, 5, 32, 32), 'teacher_instants': torch.tensor([instants] * 2)}
        model.is_teacher_cached = True
        model.feed_data({**batch('cpu'), **gains})
        assert model.teacher_gain.device == META
        with Devices() as devices:
            model.optimize_parameters(1)
    assert devices.on_cpu == []


@pytest.mark.parametrize('kind', ['cpu', 'cuda'])
def test_scaler_and_autocast_are_the_devices(kind: str, monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, Any]] = []
    monkeypatch.setattr(descent.torch.amp, 'GradScaler', lambda kind, enabled: asked.append((kind, enabled)))
    monkeypatch.setattr(descent.torch, 'autocast', lambda kind, dtype, enabled: asked.append((kind, dtype)))
    network = torch.nn.Linear(1, 1)
    train = TrainOptions(optim_g={}, scheduler={}, amp='fp16')
    Descent(network, torch.optim.Adam(network.parameters()), train, torch.device(kind)).autocast()
    assert asked == [(kind, True), (kind, torch.float16)]


def as_a_gpu_saves(path: Path) -> None:
    """Rewrite a file of torch.save as if its tensors had been on the GPU: the pickle names the place of each."""
    import zipfile

    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            if name.endswith('/data.pkl'):
                assert b'X\x03\x00\x00\x00cpu' in content
            archive.writestr(name, content.replace(b'X\x03\x00\x00\x00cpu', b'X\x06\x00\x00\x00cuda:0'))


def test_a_state_of_a_gpu_goes_on_elsewhere(tmp_path: Path):
    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    path = tmp_path / '1.state'
    content = {'epoch': 0, 'iter': 1, 'optimizers': [optimizer.state_dict()], 'schedulers': []}
    # the state of a GPU's generator is a tensor of the CPU that a machine without one leaves alone
    torch.save({**content, 'random': [{**random_state(), 'cuda': [torch.zeros(16, dtype=torch.uint8)]}]}, path)
    as_a_gpu_saves(path)
    with pytest.raises(RuntimeError, match='CUDA device'):
        torch.load(path, weights_only=True)
    state = read_state(path)
    moments = state['optimizers'][0]['state'][0]['exp_avg']
    assert torch.equal(moments, optimizer.state_dict()['state'][0]['exp_avg'])
    set_random_state(state['random'][0])
    elsewhere = torch.nn.Linear(3, 2, device=META)
    there = torch.optim.Adam(elsewhere.parameters())
    there.load_state_dict(state['optimizers'][0])
    assert there.state[elsewhere.weight]['exp_avg'].device == META


def test_gradients_of_a_stopped_step_go_where_the_weights_are():
    train = TrainOptions(optim_g={}, scheduler={}, accumulate=2)
    network = torch.nn.Linear(3, 2)
    first = Descent(network, torch.optim.Adam(network.parameters()), train, torch.device('cpu'))
    first.begin()
    first.scale(network(torch.ones(1, 3)).sum()).backward()
    assert not first.end()
    elsewhere = torch.nn.Linear(3, 2, device=META)
    second = Descent(elsewhere, torch.optim.Adam(elsewhere.parameters()), train, torch.device('cpu'))
    second.load_state_dict(first.state_dict())
    assert elsewhere.weight.grad is not None
    assert elsewhere.weight.grad.device == META
