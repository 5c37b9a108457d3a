"""Every shipped option file: its names exist, its arguments bind, its published settings are there."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from basicsr.utils.registry import ARCH_REGISTRY, DATASET_REGISTRY, LOSS_REGISTRY, METRIC_REGISTRY, MODEL_REGISTRY

from spikereveal_plugin.compare.options import parse_options
from spikereveal_plugin.compare.training import product
from spikereveal_plugin.data.blur_sequence_dataset import BlurSequenceOptions
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.options import parse_option_file
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.options import load_options, parse_section

FOLDER = Path(__file__).resolve().parents[1] / 'options'
COMPARISONS = sorted(FOLDER.glob('compare_*.yml'))
BASELINES = sorted((FOLDER / 'baselines').glob('*.yml'))
RESULTS = FOLDER.parent / 'docs/results/clips'  # what made the numbers that are printed there
TABLES = sorted(RESULTS.parent.rglob('compare_*.yml'))
RECIPES = [path for path in sorted(RESULTS.parent.rglob('*.yml')) if path not in TABLES]
FILES = [path for path in sorted(FOLDER.rglob('*.yml')) if path not in (*COMPARISONS, *BASELINES)]
NAMES = [f'{stage}_{data}' for data in ('gopro', 'rsb', 'sample') for stage in ('bsn', 'edsr', 'ldn', 'test_ldn')]
NAMES += [f'{stage}_gopro_theta{theta}' for stage in ('bsn', 'edsr', 'ldn') for theta in (2, 4)]
NAMES += [f'ldn_gopro_{kind}' for kind in ('reblur_alone', 'teacher_alone', 'lambda_10', 'lambda_50', 'lambda_200')]
NAMES += ['supervised_ldn_gopro', 'supervised_large_gopro', 'supervised_ldn_sample']
ONE_STAGE = ('ldn_plus', 'test_ldn_plus', 'ldn_light', 'test_ldn_light')
NAMES += [f'{stage}_{data}' for data in ('gopro', 'sample') for stage in ONE_STAGE]


def is_spike_model(path: Path) -> bool:
    return issubclass(MODEL_REGISTRY.get(load_options(path)['model_type']), SpikeModel)


def check(opt: dict[str, Any]) -> None:
    model = MODEL_REGISTRY.get(opt['model_type'])
    parse_option_file(opt, model.train_options, model.methods, model.networks())


def test_the_promised_files_are_there():
    assert {path.stem for path in FILES} == set(NAMES)


@pytest.mark.parametrize('path', [*FILES, *(path for path in RECIPES if is_spike_model(path))], ids=lambda p: p.stem)
def test_option_file(path: Path):
    opt = load_options(path)
    check(opt)
    assert opt['name'] == path.stem
    for key in ('network_g', 'network_bsn', 'network_sr'):
        if key in opt:
            bind(ARCH_REGISTRY, opt[key])
    for section in opt['datasets'].values():
        assert section['type'] in DATASET_REGISTRY
    for key in ('pixel_opt', 'distill_opt', 'reblur_opt', 'respike_opt'):
        if opt.get('train', {}).get(key):
            bind(LOSS_REGISTRY, opt['train'][key])
    for section in ((opt.get('val') or {}).get('metrics') or {}).values():
        assert section['type'] in METRIC_REGISTRY


def bind(registry: Any, section: dict[str, Any]) -> None:
    arguments = {key: value for key, value in section.items() if key != 'type'}
    inspect.signature(registry.get(section['type'])).bind(**arguments)


@pytest.mark.parametrize('path', COMPARISONS, ids=lambda p: p.stem)
def test_comparison(path: Path, monkeypatch: pytest.MonkeyPatch):
    """Sections parse; each weights file is what the last training of its method leaves; trainings come in order."""
    monkeypatch.chdir(FOLDER.parent)
    options = parse_options(load_options(path))
    assert options.out == f'results/{path.stem}'
    assert options.parsed_sets()
    for section in options.metrics.values():
        assert section['type'] in METRIC_REGISTRY
    for label, row in options.parsed_methods().items():
        assert row.method.common.group
        for method in filter(None, (row.method, *row.per_set.values())):
            files, made = method.files(label), [product(step) for step in method.common.steps]
            assert set(files) <= set(made)
            for step, after in zip(method.common.steps, made, strict=True):
                needs = [Path(v) for k, v in load_options(Path(step))['path'].items() if v and k.startswith('pretrain')]
                is_reblur_alone = load_options(Path(step))['train'].get('distill_opt', ...) is None
                assert is_reblur_alone or set(needs) <= set(made[: made.index(after)])


def test_there_is_a_comparison_for_each_table():
    assert [path.stem for path in COMPARISONS] == ['compare_rsb', 'compare_table1', 'compare_table3']


@pytest.mark.parametrize(
    ('name', 'distill', 'weight'),
    [
        ('reblur_alone', False, 10),
        ('teacher_alone', True, None),
        ('lambda_10', True, 10),
        ('lambda_50', True, 50),
        ('lambda_200', True, 200),
    ],
)
def test_losses_of_table_3(name: str, distill: bool, weight: float | None):
    train = load_options(FOLDER / f'table3/ldn_gopro_{name}.yml')['train']
    assert bool(train['distill_opt']) == distill
    assert (train['reblur_opt'] or {}).get('loss_weight') == weight
    published = load_options(FOLDER / 'ldn_gopro.yml')['train']
    others = {key for key in published if key not in ('distill_opt', 'reblur_opt')}
    assert {key: train[key] for key in others} == {key: published[key] for key in others}


@pytest.mark.parametrize(
    ('name', 'lr', 'epochs'), [('bsn_gopro', 3e-4, 1000), ('edsr_gopro', 2e-4, 70), ('ldn_gopro', 1e-3, 100)]
)
def test_published_settings_are_the_defaults(name: str, lr: float, epochs: int):
    opt = load_options(FOLDER / f'{name}.yml')
    assert opt['train']['optim_g'] == {'type': 'Adam', 'lr': lr}
    assert opt['train']['scheduler'] == {'type': 'CosineAnnealingRestartLR'}
    assert opt['train']['total_epoch'] == epochs
    assert (opt['datasets']['train']['batch_size_per_gpu'], opt['datasets']['train']['gt_size']) == (4, 512)
    assert '/train/' in opt['datasets']['train']['dataroot_lq']


@pytest.mark.parametrize('data', ['gopro', 'sample'])
def test_ldn_plus_needs_no_stage_before_it(data: str):
    """Its teacher has no weights; the data set, optimiser and length are those of LDN."""
    plain, plus = (load_options(FOLDER / f'{name}_{data}.yml') for name in ('ldn', 'ldn_plus'))
    tested = load_options(FOLDER / f'test_ldn_plus_{data}.yml')
    assert tested['val']['methods'] == ['blur', 'sdm', 'student']
    assert not any(tested['path'][f'pretrain_network_{part}'] for part in ('bsn', 'sr'))
    assert plus['network_g']['type'] == 'LDNPlus'
    assert plus['network_teacher']['type'] == 'TaperedSDM'
    assert not any(path for key, path in plus['path'].items() if key.startswith('pretrain'))
    for key in ('optim_g', 'scheduler', 'total_iter', 'total_epoch'):
        assert plus['train'].get(key) == plain['train'].get(key)
    for key in ('dataroot_lq', 'dataroot_spike', 'gt_size'):
        assert plus['datasets']['train'][key] == plain['datasets']['train'][key]
    assert {section['density'] for section in plus['datasets'].values()} == {'auto'}


@pytest.mark.parametrize(('name', 'weight'), [('ldn_gopro', 100), ('ldn_rsb', 200)])
def test_lambda_is_the_papers(name: str, weight: float):
    train = load_options(FOLDER / f'{name}.yml')['train']
    assert train['reblur_opt'] == {'type': 'ReblurLoss', 'loss_weight': weight}
    assert (train['distill_opt']['type'], train['distill_opt']['net']) == ('LPIPSLoss', 'vgg')


@pytest.mark.parametrize(
    ('path', 'key', 'match'),
    [
        ((), 'trian', "options: unknown option 'trian'. Did you mean 'train'?"),
        (('train',), 'total_itr', "train: unknown option 'total_itr'. Did you mean 'total_iter'?"),
        (('train', 'optim_g'), 'learning_rate', "train.optim_g: unknown option 'learning_rate'"),
        (('train', 'scheduler'), 'eta_mim', "train.scheduler: unknown option 'eta_mim'. Did you mean 'eta_min'?"),
        (('train', 'distill_opt'), 'nett', "train.distill_opt: unknown option 'nett'. Did you mean 'net'?"),
        (
            ('train', 'reblur_opt'),
            'los_weight',
            "train.reblur_opt: unknown option 'los_weight'. Did you mean 'loss_weight'?",
        ),
        (('network_g',), 'num_spikes', "network_g: unknown option 'num_spikes'. Did you mean 'num_spike'?"),
        (('network_sr',), 'num_blocks', "network_sr: unknown option 'num_blocks'. Did you mean 'num_block'?"),
        (('datasets', 'train'), 'gt_sise', "datasets.train: unknown option 'gt_sise'. Did you mean 'gt_size'?"),
        (('spike',), 'short_windw', "spike: unknown option 'short_windw'. Did you mean 'short_window'?"),
        (('path',), 'pretrain_network_s', "path: unknown option 'pretrain_network_s'"),
        (('val',), 'methdos', "val: unknown option 'methdos'. Did you mean 'methods'?"),
        (
            ('val', 'metrics', 'psnr'),
            'crop_boarder',
            "val.metrics.psnr: unknown option 'crop_boarder'. Did you mean 'crop_border'?",
        ),
        (('logger',), 'print_frequ', "logger: unknown option 'print_frequ'. Did you mean 'print_freq'?"),
    ],
)
def test_a_typo_in_any_section_is_refused_with_the_nearest_key(path: tuple[str, ...], key: str, match: str):
    opt = load_options(FOLDER / 'ldn_gopro.yml')
    section = opt
    for part in path:
        section = section[part]
    section[key] = 1
    with pytest.raises(OptionError, match=match.replace('?', r'\?')):
        check(opt)


@pytest.mark.parametrize(
    ('path', 'value', 'match'),
    [
        (('network_g', 'type'), 'LDM', "network_g: unknown type 'LDM'. Did you mean 'LDN'?"),
        (('train', 'distill_opt', 'type'), 'LPIPSLos', "Did you mean 'LPIPSLoss'?"),
        (('train', 'total_iter'), 5, 'give either total_iter or total_epoch'),
        (('train', 'total_epoch'), '100', "train.total_epoch: expected a whole number or ~, found '100'"),
        (('val', 'methods'), ['blur', 'studnet'], "val.methods: unknown value 'studnet'"),
        (('val', 'metrics', 'psnr', 'type'), 'calculate_psrn', "Did you mean 'calculate_psnr'?"),
        (
            ('train', 'scheduler', 'type'),
            'CosineAnnealedLR',
            "train.scheduler.type: unknown value 'CosineAnnealedLR'",
        ),
        (('datasets', 'train', 'type'), 'SpikeBlurDatset', "Did you mean 'SpikeBlurDataset'?"),
    ],
)
def test_a_wrong_value_is_refused(path: tuple[str, ...], value: object, match: str):
    opt = load_options(FOLDER / 'ldn_gopro.yml')
    section = opt
    for part in path[:-1]:
        section = section[part]
    section[path[-1]] = value
    with pytest.raises(OptionError, match=match.replace('?', r'\?')):
        check(opt)


@pytest.mark.parametrize(
    'path', [*BASELINES, *(path for path in RECIPES if not is_spike_model(path))], ids=lambda p: p.stem
)
def test_baseline(path: Path):
    opt = load_options(path)
    assert opt['name'] == path.stem
    assert opt['model_type'] in MODEL_REGISTRY
    bind(ARCH_REGISTRY, opt['network_g'])
    bind(LOSS_REGISTRY, opt['train']['pixel_opt'])
    for section in opt['datasets'].values():
        parse_section(BlurSequenceOptions, section, 'datasets')
        assert section['num_frame'] == opt['network_g'].get('num_frame', 5 if 'VSR' in opt['network_g']['type'] else 1)
    schedule = opt['train']['scheduler']
    assert opt['train']['total_iter'] >= max(schedule.get('milestones', [0]))
    assert schedule['type'] == 'MultiStepLR' or sum(schedule['periods']) == opt['train']['total_iter']


@pytest.mark.parametrize('path', TABLES, ids=lambda p: p.stem)
def test_comparison_of_printed_results(path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its sections parse, and each option file that a method names is one of those beside it."""
    monkeypatch.chdir(FOLDER.parent)
    options = parse_options(load_options(path))
    assert options.out == f'results/{path.stem.removeprefix("compare_")}'
    assert options.parsed_sets()
    for row in options.parsed_methods().values():
        for method in filter(None, (row.method, *row.per_set.values())):
            assert Path(getattr(method, 'opt', path)).resolve() in {*RECIPES, path}


def test_the_promised_baselines_are_there():
    names = {'rcan_gopro', 'rrdbnet_gopro', 'swinir_gopro', 'edvr_gopro', 'basicvsrpp_gopro'}
    assert {path.stem for path in BASELINES} == names
