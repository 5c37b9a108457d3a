"""Every option file trains or tests for two iterations on a tiny data set, through the command a user types."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from spikereveal_plugin.cli.basicsr import main
from spikereveal_plugin.cli.spikereveal import main as spikereveal
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.image_file import load_image, save_image
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
STAGES = ('bsn', 'edsr', 'ldn')
pytestmark = pytest.mark.smoke
CASCADE = ['blur', 'sdm', 'sdm_bsn', 'teacher', 'student']


@pytest.fixture(scope='module')
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AlexNet's convolutions with random weights, in torchvision's layout: LPIPS runs with no download."""
    torch.manual_seed(0)
    features = torchvision.models.alexnet(weights=None).features.state_dict()
    path = tmp_path_factory.mktemp('weights') / 'alexnet.pth'
    torch.save({f'features.{key}': value for key, value in features.items()}, path)
    return path


@pytest.fixture
def workspace(tmp_path: Path, tiny_set: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the data sets where the option files look for them."""
    (tmp_path / 'datasets').mkdir()
    for name in ('sample', 'GOPRO'):
        (tmp_path / 'datasets' / name).symlink_to(tiny_set)
    generator = np.random.default_rng(0)
    blurs = ImageLmdb(tiny_set / 'train/blur.lmdb')
    for number, key in enumerate(blurs.keys):
        save_image(tmp_path / f'datasets/RSB/blur_data/seq/{number:04d}.jpg', blurs.read(key))
        write_vidar(tmp_path / f'datasets/RSB/spike_data/seq/{number:04d}.dat', generator.random((400, 16, 24)) < 0.3)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small(stage: str, data: str, backbone: Path) -> list[str]:
    """Overrides that leave everything as it is but the amount of work."""
    entries = ['manual_seed=0', 'num_gpu=0', 'train:total_iter=2', 'train:total_epoch=~', 'logger:print_freq=1']
    entries += ['logger:save_checkpoint_freq=2', 'logger:use_tb_logger=false', 'datasets:train:gt_size=32']
    entries += ['datasets:train:batch_size_per_gpu=2', 'datasets:train:num_worker_per_gpu=0']
    if stage in ('ldn_plus', 'ldn_light'):
        entries += ['train:num_instants=2']
    elif stage == 'ldn':
        entries += ['train:num_instants=2']
        entries += (
            [] if data == 'sample' else ['train:distill_opt:net=alex', f'train:distill_opt:backbone_path={backbone}']
        )
    return entries


@pytest.mark.parametrize('data', ['sample', 'gopro', 'rsb'])
def test_three_stages_and_the_test(data: str, workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]):
    for stage in STAGES:
        command = ['train', '-opt', str(OPTIONS / f'{stage}_{data}.yml'), '--force_yml', *small(stage, data, backbone)]
        assert main([*command, '--check']) == 0, capsys.readouterr().err
        assert not (workspace / f'experiments/{stage}_{data}').exists()
        assert main(command) == 0, capsys.readouterr().err
        saved = torch.load(workspace / f'experiments/{stage}_{data}/models/net_g_latest.pth', weights_only=True)
        assert list(saved) == ['params', 'card']
    metric = ['val:metrics:liqe:metric_name=piqe'] if data == 'rsb' else []
    command = ['test', '-opt', str(OPTIONS / f'test_ldn_{data}.yml'), '--force_yml', 'num_gpu=0', *metric]
    assert main(command) == 0, capsys.readouterr().err
    check_results(workspace / f'results/test_ldn_{data}', data)
    if data != 'rsb':
        for name in ('ldn_plus', 'ldn_light'):
            check_one_stage(name, data, workspace, backbone, capsys)


def check_one_stage(name: str, data: str, workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LDNPlus and LDNLight learn from a teacher without weights, with every loss that there is."""
    losses = ['train:respike_opt={type: RespikeLoss}', 'train:reblur_opt={type: ReblurLoss}']
    entries = [*small(name, data, backbone), *losses]
    option_file = str(OPTIONS / f'{name}_{data}.yml')
    assert spikereveal(['data', 'teach', '-opt', option_file, '--force_yml', *entries]) == 1
    assert 'random needs teacher: online' in capsys.readouterr().err
    assert main(['train', '-opt', option_file, '--force_yml', *entries]) == 0, capsys.readouterr().err
    log = next((workspace / f'experiments/{name}_{data}').glob('*.log')).read_text()
    assert all(f'{loss}: ' in log for loss in ('l_distill', 'l_respike', 'l_reblur'))
    command = ['test', '-opt', str(OPTIONS / f'test_{name}_{data}.yml'), '--force_yml', 'num_gpu=0']
    assert main(command) == 0, capsys.readouterr().err
    check_results(workspace / f'results/test_{name}_{data}', data, ['blur', 'sdm', 'student'])


def check_results(results: Path, data: str, methods: list[str] = CASCADE) -> None:
    name = {'sample': 'sample', 'gopro': 'Spike-GOPRO', 'rsb': 'RSB'}[data]
    rows = list(csv.DictReader((results / f'{name}.csv').read_text().splitlines()))
    assert [row['method'] for row in rows] == methods
    assert all(np.isfinite(float(row[column])) for row in rows for column in row if column != 'method')
    basicsr = 'basicsr RGB crop 0'
    known = {'psnr': basicsr, 'ssim': basicsr, 'psnr_paper': 'paper', 'ssim_paper': 'paper'}
    protocols = {'liqe': 'pyiqa piqe full size'} if data == 'rsb' else known
    expected = {f'{metric} ({part}, {how})' for metric, how in protocols.items() for part in ('middle', 'sequence')}
    assert set(rows[0]) == {'method', *expected}
    samples = json.loads((results / f'{name}.json').read_text())['samples']
    keys = {entry['sample'] for entry in samples}
    for key in keys:
        folder = results / 'visualization' / name / key
        frames = sorted(path.stem for path in folder.glob('[0-9]*.png'))
        assert len(frames) == 7
        assert load_image(folder / '068.png' if data != 'rsb' else folder / '200.png').shape == (64, 96, 3)
        assert {'sheet.png', 'video.mp4'} <= {path.name for path in folder.iterdir()}


def test_a_check_times_each_part_and_leaves_nothing(
    workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]
):
    before = sorted(workspace.iterdir())
    command = ['train', '-opt', str(OPTIONS / 'bsn_sample.yml'), '--check', '--force_yml']
    assert main([*command, *small('bsn', 'sample', backbone), 'network_g={type: BSN, num_feat: 4}']) == 0
    error = capsys.readouterr().err
    for part in ('training step: ', 'losses: l_pix ', 'checkpoint: ', 'validation of a sample of sample test (2): '):
        assert part in error
    assert float(error.partition('peak memory ')[2].split()[0]) > 0.1
    assert '2 iterations, 2 an epoch' in error
    parts = re.search(r'the whole run here: about (\S+) \(training (\S+), validation (\S+), checkpoints (\S+)\)', error)
    assert all(re.fullmatch(r'\d+:\d\d:\d\d', part) for part in parts.groups())
    assert sorted(workspace.iterdir()) == before


def test_a_run_resumes_on_a_cpu_where_it_was(workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]):
    """Four iterations in one go, and two and two, end in the same optimiser state and learning rate."""
    command = [
        'train',
        '-opt',
        str(OPTIONS / 'bsn_sample.yml'),
        '--force_yml',
        *small('bsn', 'sample', backbone),
        'val=~',
    ]
    whole = [entry.replace('total_iter=2', 'total_iter=4') for entry in command]
    assert main([*whole, 'name=whole']) == 0, capsys.readouterr().err
    stopped = [*command[:-1], 'val=~', 'train:scheduler:periods=[4]']
    assert main([*stopped, 'name=parts']) == 0, capsys.readouterr().err
    assert main([*whole, 'name=parts', '--auto_resume']) == 0, capsys.readouterr().err
    states = [
        torch.load(workspace / f'experiments/{name}/training_states/4.state', weights_only=True)
        for name in ('whole', 'parts')
    ]
    assert states[0]['iter'] == states[1]['iter'] == 4
    assert states[0]['schedulers'][0]['_last_lr'] == states[1]['schedulers'][0]['_last_lr']
    assert [s['optimizers'][0]['state'][0]['step'].item() for s in states] == [4, 4]
    log = next((workspace / 'experiments/parts').glob('*.log'))
    assert any('Resuming training from epoch' in p.read_text() for p in log.parent.glob('*.log'))


def test_a_distillation_resumes_with_its_frozen_networks(
    workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]
):
    for stage in STAGES:
        command = [
            'train',
            '-opt',
            str(OPTIONS / f'{stage}_sample.yml'),
            '--force_yml',
            *small(stage, 'sample', backbone),
            'val=~',
        ]
        assert main(command) == 0, capsys.readouterr().err
    longer = [entry.replace('total_iter=2', 'total_iter=6') for entry in command]
    assert main([*longer, '--auto_resume']) == 0, capsys.readouterr().err
    state = torch.load(workspace / 'experiments/ldn_sample/training_states/6.state', weights_only=True)
    assert state['schedulers'][0]['periods'] == [6]
    assert not list((workspace / 'experiments/ldn_sample').rglob('*.partial'))


@pytest.mark.parametrize('batch', [1, 2])
def test_any_image_loss_may_stand_in_for_the_reblur_loss(
    batch: int, workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]
):
    for stage in STAGES:
        command = [
            'train',
            '-opt',
            str(OPTIONS / f'{stage}_sample.yml'),
            '--force_yml',
            *small(stage, 'sample', backbone),
        ]
        other = ['train:reblur_opt={type: L1Loss}'] if stage == 'ldn' else []
        command += ['val=~', *other, f'datasets:train:batch_size_per_gpu={batch}']
        assert main(command) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert main([*command, 'train:reblur_opt={type: L1Loss, reduction: none}']) == 1
    assert 'the loss of l_reblur must give one number' in capsys.readouterr().err


def test_the_learning_rate_is_one_cosine_over_the_run(
    workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]
):
    import math
    import re

    entries = [e for e in small('bsn', 'sample', backbone) if 'total_' not in e and 'batch' not in e]
    entries += ['train:total_epoch=2', 'train:total_iter=~', 'datasets:train:batch_size_per_gpu=1', 'val=~']
    assert main(['train', '-opt', str(OPTIONS / 'bsn_sample.yml'), '--force_yml', *entries]) == 0, (
        capsys.readouterr().err
    )
    log = next((workspace / 'experiments/bsn_sample').glob('*.log')).read_text()
    rates = [float(rate) for rate in re.findall(r'lr:\(([\d.e-]+),', log)]
    assert len(rates) == 8  # 4 samples, 2 epochs
    expected = [1e-3 * 0.5 * (1 + math.cos(math.pi * i / 8)) for i in range(8)]
    np.testing.assert_allclose(rates, expected, rtol=1e-3)


def test_ema_is_kept_and_tested_with(workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]):
    entries = [*small('edsr', 'sample', backbone), 'train:ema_decay=0.5']
    assert main(['train', '-opt', str(OPTIONS / 'edsr_sample.yml'), '--force_yml', *entries]) == 0, (
        capsys.readouterr().err
    )
    saved = torch.load(workspace / 'experiments/edsr_sample/models/net_g_latest.pth', weights_only=True)
    assert list(saved) == ['params', 'params_ema', 'card']
    assert any(not torch.equal(saved['params'][key], saved['params_ema'][key]) for key in saved['params'])


@pytest.mark.parametrize(
    ('entries', 'match'),
    [
        (['train:totl_iter=2'], "train: unknown option 'totl_iter'"),
        (['datasets:train:dataroot_lq=gone.lmdb'], 'gone.lmdb'),
        (['datasets:train:batch_size_per_gpu=8'], 'fewer than one batch'),
        (['path:resume_state=gone.state'], 'gone.state is no file'),
        (['model_type=BSNModl'], "Did you mean 'BSNModel'"),
        (['train:scheduler:periods=[1]'], 'end before total_iter 2'),
        (['path:pretrain_network_g=gone.pth'], 'path.pretrain_network_g: gone.pth: no such file'),
        (['network_g=~'], 'network_g: expected a section'),
        (['spike:short_window=8'], 'spike.short_window: expected an odd number of readouts, found 8'),
        (['num_gpu=all'], "num_gpu: expected auto or a whole number, found 'all'"),
        (['datasets:train:batch_size_per_gpu=two'], "batch_size_per_gpu: expected a whole number or ~, found 'two'"),
        (['network_g:num_feat=big'], 'BSNModel cannot be built'),
        (['logger:print_freq=0'], 'logger.print_freq: expected at least 1, found 0'),
        (['--launcher', 'pytorch'], '--launcher pytorch'),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_1(
    entries: list[str], match: str, workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]
):
    command = [
        'train',
        '-opt',
        str(OPTIONS / 'bsn_sample.yml'),
        '--force_yml',
        *small('bsn', 'sample', backbone),
        *entries,
    ]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert 'Traceback' not in error
    assert match in error.splitlines()[-1]


@pytest.mark.parametrize(
    ('entries', 'match'),
    [
        (
            ['ldn'],
            'path.pretrain_network_bsn: experiments/bsn_sample/models/net_g_latest.pth: no such file; expected a .pth '
            'file; train that stage first',
        ),
        (
            ['ldn', 'path:pretrain_network_g=other.pth'],
            'path.pretrain_network_g: other.pth: the weights do not fit LDN',
        ),
        (
            ['ldn', 'train:distill_opt=~', 'train:instants=[5, 68]'],
            'train.instants: around 5 there are not 21 of the readouts',
        ),
        (['edsr', 'network_g:upscale=2', 'train:total_iter=2'], 'SpikeEDSR needs images 2 times as large'),
    ],
)
def test_what_does_not_fit_together_is_said(
    entries: list[str], match: str, workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]
):
    stage, *entries = entries
    torch.save({'params': {'odd': torch.zeros(1)}}, workspace / 'other.pth')
    command = ['train', '-opt', str(OPTIONS / f'{stage}_sample.yml'), '--force_yml']
    assert main([*command, *small(stage, 'sample', backbone), 'val=~', *entries]) == 1
    error = capsys.readouterr().err
    assert 'Traceback' not in error
    assert match in error.splitlines()[-1]


def test_a_test_without_weights_is_refused(workspace: Path, capsys: pytest.CaptureFixture[str]):
    opt = ['test', '-opt', str(OPTIONS / 'test_ldn_sample.yml'), '--force_yml', 'num_gpu=0', 'val:methods=[blur, ldn]']
    assert main([*opt, 'path:pretrain_network_g=~']) == 1
    assert "path.pretrain_network_g is empty: 'student' of val.methods needs it" in capsys.readouterr().err


def test_what_fails_to_build_leaves_the_last_run_in_place(workspace: Path, backbone: Path):
    command = [
        'train',
        '-opt',
        str(OPTIONS / 'bsn_sample.yml'),
        '--force_yml',
        *small('bsn', 'sample', backbone),
        'val=~',
    ]
    assert main(command) == 0
    assert main([*command, 'path:pretrain_network_g=gone.pth']) == 1
    assert [path.name for path in (workspace / 'experiments').iterdir()] == ['bsn_sample']
    log = next((workspace / 'experiments/bsn_sample').glob('*.log')).read_text()
    assert 'Network [BSN] is created' in log
    assert 'End of training' in log


def test_full_reference_metrics_need_ground_truth(workspace: Path, backbone: Path, capsys: pytest.CaptureFixture[str]):
    opt = [
        'test',
        '-opt',
        str(OPTIONS / 'test_ldn_sample.yml'),
        '--force_yml',
        'num_gpu=0',
        'path:pretrain_network_g=~',
    ]
    opt += ['val:methods=[blur, sdm]', 'datasets:test:dataroot_gt=~', 'datasets:test:dataroot_gt_sequence=~']
    assert main(opt) == 1
    error = capsys.readouterr().err
    assert 'val.metrics.psnr_paper compares with a sharp image, and there is none for sample' in error
    assert 'chelsea/000000' in error
