"""Every form of a file of weights, by every way in: the same numbers, or one clear error."""

import argparse
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from spikereveal_plugin.archs import LDN
from spikereveal_plugin.compare.build import build_row
from spikereveal_plugin.compare.method_options import parse_row
from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.inference.deblurrer import Deblurrer
from spikereveal_plugin.models.resumable import build_resumable_model
from spikereveal_plugin.models.teacher import frozen_network
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import read_weights, save_weights
from spikereveal_plugin.weights.network import load_student
from spikereveal_plugin.weights.packing import Packing, packed

SECTION = {'type': 'LDN', 'num_feat': 4, 'reduction': 4}


def tiny() -> LDN:
    torch.manual_seed(0)
    return LDN(num_feat=4, reduction=4).half().float().eval()


def with_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f'module.{name}': value for name, value in state.items()}


def flipped(path: Path) -> None:
    """Weights with one bit changed in the middle of the largest part, which PyTorch itself reads."""
    save_weights(path, tiny().state_dict(), Card(SECTION))
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda part: part.file_size)
    content = bytearray(path.read_bytes())
    content[largest.header_offset + 30 + 300 + largest.file_size // 2] ^= 1
    path.write_bytes(content)


GOOD: dict[str, Callable[[Mapping[str, Tensor]], object]] = {
    'params': lambda state: {'params': state},
    'params_ema': lambda state: {'params_ema': state},
    'params and more': lambda state: {'params': state, 'params_ema': state, 'card': None},
    'module.': lambda state: {'params': with_prefix(state)},
    'state_dict': lambda state: {'state_dict': state},
    'bare': dict,
    'two wrappers': lambda state: {'params': with_prefix(with_prefix(state))},
    'compiled': lambda state: {'params': {f'_orig_mod.{name}': value for name, value in state.items()}},
    'compiled, in DataParallel': lambda state: {f'module._orig_mod.{name}': value for name, value in state.items()},
    'compiled part': lambda state: {name.replace('blocks.', 'blocks._orig_mod.'): v for name, v in state.items()},
    'Lightning': lambda state: {
        'state_dict': {f'net_g.{name}': value for name, value in state.items()} | {'loss.weight': torch.ones(1)},
        'epoch': 3,
        'hyper_parameters': {'lr': 1e-3},
    },
    'DeepSpeed': lambda state: {'module': state, 'optimizer': {}},
    'a checkpoint of other names': lambda state: {'iteration': 5, 'weights_of_mine': state, 'optimizer': {'lr': 1.0}},
    **{
        key: lambda state, key=key: {key: state, 'epoch': 1, 'optimizer': {'state': {}}}  # type: ignore[misc]
        for key in ('model_state_dict', 'model', 'net', 'network', 'generator', 'net_g', 'ema', 'student')
    },
    'half': lambda state: {'params': {name: value.half() for name, value in state.items()}},
    'state_dict in model': lambda state: {'model': {'state_dict': state}},
}
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    'no file': (lambda path: None, 'no such file|neither a file nor a name'),
    'other bytes': (lambda path: path.write_bytes(b'nothing'), 'not a file of PyTorch weights'),
    'empty': (lambda path: path.write_bytes(b''), 'not a file of PyTorch weights'),
    'git lfs': (
        lambda path: path.write_bytes(b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'),
        'a pointer of Git LFS, not the file itself; fetch it: git lfs pull',
    ),
    'a web page': (lambda path: path.write_bytes(b'\n<!DOCTYPE html><title>x</title>'), 'a web page'),
    'a whole model': (
        lambda path: torch.save(tiny(), path),
        r'holds spikereveal_plugin\S*LDN, not tensors',
    ),
    'a flipped bit': (flipped, 'damaged: .* does not have its checksum'),
    'NaN': (
        lambda path: save_weights(path, {k: v * float('nan') for k, v in tiny().state_dict().items()}, Card(SECTION)),
        'hold NaN or Inf',
    ),
    'a tensor': (lambda path: torch.save(torch.ones(1), path), 'expected a dictionary of weights, found Tensor'),
    'no tensors': (lambda path: torch.save({'params': {'x': 1}}, path), r'holds no weights, but x \(int\)'),
    'nothing in it': (lambda path: torch.save({'params': {}}, path), 'holds no weights, but nothing'),
    'a training state': (
        lambda path: torch.save({'epoch': 1, 'iter': 2, 'optimizers': [], 'schedulers': []}, path),
        r'holds no weights, but epoch \(int\), iter \(int\), optimizers \(list\)',
    ),
    'another shape': (
        lambda path: save_weights(path, LDN(num_feat=8, reduction=4).state_dict(), Card(SECTION)),
        'the weights do not fit LDN',
    ),
}


def by_deblur(path: Path) -> nn.Module:
    return Deblurrer.from_pretrained(path, engine='eager').restorer.networks['network_g']


def by_row(section: Mapping[str, object]) -> nn.Module:
    row = build_row('m', parse_row('m', section), 'cpu')
    return row.method.restorer.networks['network_g']  # type: ignore[attr-defined]


def by_option_file(path: Path) -> nn.Module:
    return frozen_network({'network_g': SECTION, 'path': {'pretrain_network_g': str(path)}}, 'network_g', CPU)


def by_pack(path: Path) -> nn.Module:
    content, card = packed(path, Packing(SECTION))
    target = path.with_name('packed.pth')
    target.write_bytes(content)
    assert card.network == SECTION
    return load_student(target).network


CPU = torch.device('cpu')


def by_stock_model(path: Path) -> nn.Module:
    opt = {'is_train': False, 'num_gpu': 0, 'dist': False, 'model_type': 'SRModel', 'network_g': dict(SECTION)}
    opt |= {'path': {'pretrain_network_g': str(path), 'strict_load_g': True}}
    network: nn.Module = build_resumable_model(opt).net_g
    return network


READERS: dict[str, Callable[[Path], nn.Module]] = {
    'deblur': by_deblur,
    'compare network': lambda path: by_row({'type': 'network', 'weights': str(path)}),
    'compare arch': lambda path: by_row({'type': 'arch', 'network': SECTION, 'weights': str(path)}),
    'option file': by_option_file,
    'a stock model of an option file': by_stock_model,
    'pack': by_pack,
}


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('form', GOOD)
def test_every_form_is_read_alike(form: str, reader: str, tmp_path: Path):
    network = tiny()
    torch.save(GOOD[form](network.state_dict()), tmp_path / 'x.pth')
    loaded = READERS[reader](tmp_path / 'x.pth').state_dict()
    for name, value in network.state_dict().items():
        assert torch.equal(loaded[name], value), name


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('form', BAD)
def test_every_other_form_is_refused_alike(form: str, reader: str, tmp_path: Path):
    write, message = BAD[form]
    write(tmp_path / 'x.pth')
    with pytest.raises(SpikeRevealError, match=message) as refusal:
        READERS[reader](tmp_path / 'x.pth')
    assert str(tmp_path / 'x.pth') in str(refusal.value)


BOMBS = {
    'wide': ({'type': 'LDN', 'num_feat': 10**7}, 'expected numbers up to'),
    'other': ({'type': 'LDN', 'num_feat': 4000}, 'the weights do not fit LDN'),
    'text': ({'type': 'LDN', 'num_feat': 'x' * 10**6}, 'cannot be built'),
    'download': ({'type': 'VGGFeatureExtractor', 'layer_name_list': ['conv1_1']}, 'without downloads'),
    'nested': ({'type': 'LDN', 'num_feat': [[[10**9]]]}, 'cannot be built'),
}


@pytest.mark.filterwarnings('ignore::UserWarning')  # of a stock network
@pytest.mark.parametrize(('section', 'said'), BOMBS.values(), ids=BOMBS)
def test_a_card_cannot_ask_for_memory_or_downloads(section, said, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    monkeypatch.chdir(tmp_path)
    save_weights(tmp_path / 'x.pth', LDN(num_feat=4, reduction=4).state_dict(), Card(section))
    with pytest.raises(SpikeRevealError, match=said) as raised:
        load_student(tmp_path / 'x.pth')
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize('reader', READERS)
def test_the_authors_files_are_to_be_converted(reader: str, shared: Path):
    with pytest.raises(SpikeRevealError, match='convert them first: spikereveal weights import --from ssdm'):
        READERS[reader](shared / 'weights/ssdm_ldn_gopro.pth')


def test_a_damaged_card_is_said(tmp_path: Path):
    state = tiny().state_dict()
    for card, message in (
        ({'network': SECTION, 'colour': 1}, 'colour'),
        ({'network': 'LDN'}, 'names no network'),
        ({'network': SECTION, 'density': 'bright'}, 'density: expected auto'),
        ({'network': SECTION, 'threshold': -1.0}, 'trained threshold: expected a positive number'),
    ):
        torch.save({'params': state, 'card': card}, tmp_path / 'x.pth')
        with pytest.raises(SpikeRevealError, match=rf'x\.pth: its card cannot be read: .*{message}'):
            read_weights(tmp_path / 'x.pth')


@pytest.mark.parametrize(('suffix', 'package'), [('.pt', 'torch'), ('.onnx', 'onnx')])
def test_an_export_says_what_its_input_must_be(suffix: str, package: str, tmp_path: Path, caplog):
    import json

    from spikereveal_plugin.cli.export import _export

    module = pytest.importorskip(package, reason="needs pip install 'spikereveal_plugin[export]'")
    save_weights(tmp_path / 'x.pth', tiny().state_dict(), Card(SECTION, 2.0, 'auto'))
    out = tmp_path / f'x{suffix}'
    _export(argparse.Namespace(weights=str(tmp_path / 'x.pth'), output=out))
    assert 'as dense as those of a camera of threshold 2' in caplog.text
    if suffix == '.pt':
        extra = {'card.json': ''}
        torch.jit.load(str(out), _extra_files=extra)
        needs = json.loads(extra['card.json'])
    else:
        needs = {entry.key: json.loads(entry.value) for entry in module.load(str(out)).metadata_props}
    assert needs == {'network': SECTION, 'threshold': 2.0, 'density': 'auto', 'num_spike': 21}
