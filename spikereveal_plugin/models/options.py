"""The YAML sections that this plugin's models read, one frozen dataclass each, and the check of a whole file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from basicsr.models import lr_scheduler
from basicsr.utils.registry import ARCH_REGISTRY, DATASET_REGISTRY, LOSS_REGISTRY

from spikereveal_plugin.data.spike_blur_options import SpikeBlurOptions
from spikereveal_plugin.defaults import SHORT_WINDOW
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.val_options import parse_val
from spikereveal_plugin.options import at_least_one, check_arguments, check_keys, lookup, parse_section

Section = Mapping[str, Any]
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


@dataclass(frozen=True)
class SpikeOptions:
    """Section `spike`: `short_window`, readouts (odd) of TFP_short, 9 in the paper."""

    short_window: int = SHORT_WINDOW

    def __post_init__(self) -> None:
        if self.short_window < 1 or self.short_window % 2 == 0:
            raise OptionError(f'spike.short_window: expected an odd number of readouts, found {self.short_window}')


@dataclass(frozen=True)
class PathOptions:
    """Section `path`: weights to start from and to resume."""

    pretrain_network_g: str | None = None
    pretrain_network_bsn: str | None = None
    pretrain_network_sr: str | None = None
    pretrain_network_teacher: str | None = None
    param_key_g: str = 'params'
    param_key_bsn: str = 'params'
    param_key_sr: str = 'params'
    param_key_teacher: str = 'params'
    strict_load_g: bool = True
    resume_state: str | None = None


@dataclass(frozen=True)
class LoggerOptions:
    """Section `logger`, as BasicSR's; `keep_last` is the number of checkpoints that stay (~: all)."""

    print_freq: int = 100
    save_checkpoint_freq: int = 5000
    keep_last: int | None = None
    use_tb_logger: bool = False
    wandb: Section | None = None

    def __post_init__(self) -> None:
        at_least_one('logger', print_freq=self.print_freq, save_checkpoint_freq=self.save_checkpoint_freq)
        at_least_one('logger', keep_last=1 if self.keep_last is None else self.keep_last)


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Section `train`, what all models share. The run's length is `total_iter` or, as papers count, `total_epoch`.

    A `CosineAnnealingRestartLR` without `periods` has one period: the whole run, stepped every iteration.

    `amp` is the type of mixed precision, ~ for float32; `compile` hands the network to `torch.compile`; `grad_clip` is
    the longest gradient (2-norm of all weights'); the optimiser steps once in `accumulate` iterations, by their mean.
    """

    optim_g: Section
    scheduler: Section
    total_iter: int | None = None
    total_epoch: int | None = None
    warmup_iter: int = -1
    ema_decay: float = 0.0
    amp: Literal['bf16', 'fp16'] | None = None
    compile: bool = False
    grad_clip: float | None = None
    accumulate: int = 1

    def __post_init__(self) -> None:
        at_least_one('train', accumulate=self.accumulate)
        if self.grad_clip is not None and self.grad_clip <= 0:
            raise OptionError(f'train.grad_clip: expected a number above 0, or ~ for none, found {self.grad_clip}')


@dataclass(frozen=True, kw_only=True)
class PixelTrainOptions(TrainOptions):
    """Section `train` of `BSNModel`, `SpikeEDSRModel` and `SpikeRestorationModel`: `pixel_opt` is the loss."""

    pixel_opt: Section


@dataclass(frozen=True, kw_only=True)
class DistillTrainOptions(TrainOptions):
    """Section `train` of `SpikeDistillModel`: student against teacher, and frames' mean against the blurry image.

    `respike_opt` compares each frame with the spikes of its instant, the short firing rate as gray.
    `instants` lists the readouts to train at; without it, `num_instants` of them are spread over the exposure, or with
    `random` drawn from it anew in every step. `teacher` is `online`, computed in every step as published, or `cache`,
    what `spikereveal data teach` computed.
    """

    distill_opt: Section | None = None
    reblur_opt: Section | None = None
    respike_opt: Section | None = None
    num_instants: int = 5
    instants: tuple[int, ...] | Literal['random'] | None = None
    teacher: Literal['online', 'cache'] = 'online'

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one('train', num_instants=self.num_instants)
        if self.instants == 'random' and self.teacher == 'cache':
            raise OptionError('train.instants: random needs teacher: online; a cache holds listed instants')


def parse_train(cls: type[TrainOptions], opt: Section) -> TrainOptions:
    """Parse section `train` and the sections in it, down to the arguments of optimiser, schedule and losses.

    Raises:
        OptionError: an unknown key or name, or a run whose length is given twice or not at all.
    """
    train = parse_section(cls, opt.get('train'), 'train')
    if (train.total_iter is None) == (train.total_epoch is None):
        raise OptionError('train: give either total_iter or total_epoch')
    _check_optimiser(train.optim_g)
    kind = train.scheduler.get('type')
    schedules: dict[str, Callable[..., object]] = {
        'CosineAnnealingRestartLR': lr_scheduler.CosineAnnealingRestartLR,
        'MultiStepLR': lr_scheduler.MultiStepRestartLR,
        'MultiStepRestartLR': lr_scheduler.MultiStepRestartLR,
    }
    check_keys({str(kind): None}, schedules, 'train.scheduler.type')
    check_arguments(schedules[str(kind)], train.scheduler, 'train.scheduler')
    for key in ('pixel_opt', 'distill_opt', 'reblur_opt', 'respike_opt'):
        if (section := getattr(train, key, None)) is not None:
            check_arguments(lookup(LOSS_REGISTRY, section, f'train.{key}'), section, f'train.{key}')
    return train


def _check_optimiser(section: Section) -> None:
    from torch.optim import Adam  # noqa: PLC0415

    check_keys({str(section.get('type')): None}, {'Adam'}, 'train.optim_g.type')
    check_arguments(Adam, section, 'train.optim_g')


def check_option_file(opt: Section, train_options: type[TrainOptions], methods: tuple[str, ...]) -> None:
    """Check every section of an option file for one of this plugin's models, before anything is built.

    Raises:
        OptionError: the first key, name or value at fault, with the nearest known one.
    """
    check_keys(opt, _TOP | _ADDED_TOP, 'options')
    parse_section(SpikeOptions, opt.get('spike') or {}, 'spike')
    parse_section(PathOptions, opt.get('path') or {}, 'path', _ADDED_PATH)
    for key in NETWORKS:
        if key in opt or key == 'network_g':
            check_arguments(lookup(ARCH_REGISTRY, opt.get(key), key), opt[key], key)
    for phase, section in opt['datasets'].items():
        where = f'datasets.{phase}'
        if lookup(DATASET_REGISTRY, section, where).__name__ == 'SpikeBlurDataset':
            parse_section(SpikeBlurOptions, section, where)
    parse_val(opt, methods)
    if opt.get('is_train', 'train' in opt):
        logger = parse_section(LoggerOptions, opt.get('logger') or {}, 'logger')
        check_keys(logger.wandb or {}, {'project', 'resume_id'}, 'logger.wandb')
        parse_train(train_options, opt)
