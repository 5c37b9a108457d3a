"""The check of a whole option file for one of this plugin's models."""

from collections.abc import Collection
from dataclasses import dataclass

from basicsr.utils.registry import ARCH_REGISTRY, DATASET_REGISTRY, LOSS_REGISTRY

from spikereveal_plugin.data.spike_blur_options import SpikeBlurOptions
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.sections import LoggerOptions, PathOptions, Section, SpikeOptions, TrainOptions
from spikereveal_plugin.models.torch_training import optimizer_class, scheduler_class
from spikereveal_plugin.models.val_options import ValOptions, parse_val
from spikereveal_plugin.options import check_arguments, check_keys, lookup, parse_section

NETWORKS = ('network_g', 'network_bsn', 'network_sr', 'network_teacher')
_TOP = frozenset(
    {
        'name',
        'model_type',
        'scale',
        'num_gpu',
        'manual_seed',
        'datasets',
        'spike',
        'path',
        'train',
        'val',
        'logger',
        'dist_params',
        'find_unused_parameters',
        'import',
    }
).union(NETWORKS)
# What BasicSR's option parser adds to the options, by section.
_ADDED_TOP = frozenset(['dist', 'rank', 'world_size', 'auto_resume', 'is_train', 'root_path'])
_ADDED_PATH = frozenset(
    ['experiments_root', 'models', 'training_states', 'log', 'visualization', 'results_root', 'ignore_resume_networks']
)


def parse_train(cls: type[TrainOptions], opt: Section) -> TrainOptions:
    """Parse section `train` and the sections in it, down to the arguments of optimiser, schedule and losses.

    Raises:
        OptionError: an unknown key or name, or a run whose length is given twice or not at all.
    """
    train = parse_section(cls, opt.get('train'), 'train')
    if (train.total_iter is None) == (train.total_epoch is None):
        raise OptionError('train: give either total_iter or total_epoch')
    optimiser = optimizer_class(train.optim_g.get('type'), 'train.optim_g.type')
    check_arguments(optimiser, train.optim_g, 'train.optim_g')
    schedule = scheduler_class(train.scheduler.get('type'), 'train.scheduler.type')
    check_arguments(schedule, train.scheduler, 'train.scheduler')
    for key in ('pixel_opt', 'distill_opt', 'reblur_opt', 'respike_opt'):
        if (section := getattr(train, key, None)) is not None:
            check_arguments(lookup(LOSS_REGISTRY, section, f'train.{key}'), section, f'train.{key}')
    return train


@dataclass(frozen=True)
class ModelOptions:
    """The sections of an option file that a model reads, parsed."""

    spike: SpikeOptions
    val: ValOptions
    train: TrainOptions | None
    """of the model's own kind; None for a test"""


def check_used(opt: Section, networks: Collection[str]) -> None:
    """Refuse what a model would accept and not use.

    Args:
        opt: the file's content.
        networks: sections that the model reads, such as `network_g`.

    Raises:
        OptionError: a section of a network that the model does not have, its weights, or an option of stock models.
    """
    others, path, model = set(NETWORKS) - set(networks), opt.get('path') or {}, opt.get('model_type')
    for network in sorted(others):
        weights, param_key = f'pretrain_{network}', f'param_key_{network.removeprefix("network_")}'
        given = {network: opt.get(network), **{f'path.{key}': path.get(key) for key in (weights, param_key)}}
        if named := [where for where, value in given.items() if value is not None]:
            raise OptionError(f'{named[0]}: {model} has no {network}; take it out')
    if opt.get('scale') not in (None, 1):
        raise OptionError(f'scale: frames of {model} are as large as the photo; expected 1, found {opt["scale"]}')
    if (opt.get('val') or {}).get('suffix') is not None:
        raise OptionError(f'val.suffix: {model} names frames by their readouts; leave it ~')
    check_keys(opt.get('dist_params') or {}, {'backend', 'port'}, 'dist_params')


def parse_option_file(
    opt: Section, train_options: type[TrainOptions], methods: tuple[str, ...], networks: Collection[str] = NETWORKS
) -> ModelOptions:
    """Check every section of an option file for one of this plugin's models, before anything is built.

    Args:
        opt: the file's content; with `is_train` where a command has decided it.
        train_options: what the model's section `train` holds.
        methods: names that `val.methods` may list.
        networks: sections of networks that the model reads.

    Raises:
        OptionError: the first key, name or value at fault, with the nearest known one.
    """
    check_keys(opt, _TOP | _ADDED_TOP, 'options')
    check_used(opt, networks)
    spike = parse_section(SpikeOptions, opt.get('spike') or {}, 'spike')
    parse_section(PathOptions, opt.get('path') or {}, 'path', _ADDED_PATH)
    for key in NETWORKS:
        if key in opt or key == 'network_g':
            check_arguments(lookup(ARCH_REGISTRY, opt.get(key), key), opt[key], key)
    for phase, section in opt['datasets'].items():
        where = f'datasets.{phase}'
        if lookup(DATASET_REGISTRY, section, where).__name__ == 'SpikeBlurDataset':
            parse_section(SpikeBlurOptions, section, where)
    val = parse_val(opt, methods)
    if not opt.get('is_train', 'train' in opt):
        return ModelOptions(spike, val, None)
    logger = parse_section(LoggerOptions, opt.get('logger') or {}, 'logger')
    check_keys(logger.wandb or {}, {'project', 'resume_id'}, 'logger.wandb')
    return ModelOptions(spike, val, parse_train(train_options, opt))
