"""From an option file to the options BasicSR's parts expect: devices, seeds, phases, folders."""

import os
import random
from argparse import Namespace
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from basicsr.utils import set_random_seed
from basicsr.utils.dist_util import get_dist_info
from basicsr.utils.registry import MODEL_REGISTRY

from spikereveal_plugin.errors import OptionError, SpikeRevealError
from spikereveal_plugin.extensions import import_extensions
from spikereveal_plugin.metrics.protocol import with_directions
from spikereveal_plugin.models.needs import carry_density
from spikereveal_plugin.models.options import parse_option_file
from spikereveal_plugin.models.resumable import build_resumable_model
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.option_files import find_option_file
from spikereveal_plugin.options import load_options, lookup_name, override
from spikereveal_plugin.pipelines.distributed import join
from spikereveal_plugin.pipelines.downloads import naming_downloads
from spikereveal_plugin.pipelines.log import keep_early_messages, root_logger
from spikereveal_plugin.pipelines.ranges import check_ranges, check_types, make_whole
from spikereveal_plugin.pipelines.stock_names import check_registered, check_stock_train
from spikereveal_plugin.weights.registry import resolve_option


def default_flags(option_file: Path | str, force_yml: Sequence[str] = (), *, auto_resume: bool = False) -> Namespace:
    """What `basicsr train -opt OPTION_FILE` is parsed to, for commands that do what it does."""
    rest = {'launcher': 'none', 'local_rank': None, 'debug': False, 'check': False}
    return Namespace(opt=str(option_file), force_yml=list(force_yml), auto_resume=auto_resume, **rest)


def prepare_options(args: Namespace, *, is_train: bool) -> dict[str, Any]:
    """Read, override and complete the options; those of this plugin's models are checked to the last key.

    Args:
        args: `opt` (path), `force_yml`, `launcher`, `local_rank`, `auto_resume`, `debug`, as BasicSR's flags.
        is_train: for `basicsr train`; outputs go to `experiments/` of the current folder, else to `results/`.

    Raises:
        OptionError: the file or an option is at fault.
    """
    keep_early_messages()
    opt = load_options(Path(args.opt))
    override(opt, args.force_yml or [])
    import_extensions(opt.get('import'), find_option_file(Path(args.opt)).parent)
    for key in ('name', 'model_type', 'datasets'):
        if not opt.get(key):
            raise OptionError(f'{args.opt}: missing option {key!r}')
    check_types(opt, str(args.opt))
    make_whole(opt)
    opt['name'] = f'debug_{opt["name"]}' if args.debug and not opt['name'].startswith('debug') else opt['name']
    opt.update(is_train=is_train, auto_resume=args.auto_resume, root_path=str(Path.cwd()))
    opt['path'] = dict(opt.get('path') or {})
    model_class = lookup_name(MODEL_REGISTRY, opt['model_type'], f'{args.opt}: model_type')
    if issubclass(model_class, SpikeModel):
        parse_option_file(opt, model_class.train_options, model_class.known_methods(), model_class.networks())
        model_class.complete_options(opt)
    check_ranges(opt, str(args.opt))
    if not issubclass(model_class, SpikeModel):
        check_registered(opt)
        if model_class.__module__.startswith('basicsr.'):
            check_stock_train(opt)
    if metrics := (opt.get('val') or {}).get('metrics'):
        opt['val'] = {**opt['val'], 'metrics': with_directions(metrics)}
    _set_devices(opt, args.launcher, args.local_rank)
    _set_seed(opt)
    _set_phases(opt)
    _set_folders(opt)
    if issubclass(model_class, SpikeModel):
        carry_density(opt)
    if is_train:
        _set_logger(opt)
    else:
        opt['val'] = {'suffix': None, 'save_img': False, **(opt.get('val') or {})}
    return opt


def build_model_of(opt: dict[str, Any]) -> Any:
    """Build the model that the options describe.

    Raises:
        OptionError: an argument has a value that the model, a network or a loss cannot take.
    """
    try:
        with naming_downloads():
            return build_resumable_model(opt)
    except SpikeRevealError:
        raise
    except (ValueError, TypeError) as error:
        raise OptionError(f'{opt["model_type"]} cannot be built: {" ".join(str(error).split())}') from error


def _set_devices(opt: dict[str, Any], launcher: str, local_rank: int | None) -> None:
    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    asked = opt.get('num_gpu', 'auto')
    if asked != 'auto' and (not isinstance(asked, int) or asked < 0):
        raise OptionError(f'num_gpu: expected auto or a whole number, found {asked!r}')
    if asked != 'auto' and asked > available:
        root_logger().warning(f'num_gpu: {asked} asked for, {available} found; running on {available or "the CPU"}')
    opt['num_gpu'] = available if asked == 'auto' else min(asked, available)
    opt['dist'] = launcher != 'none'
    if opt['dist']:
        join(launcher, local_rank, available if opt['num_gpu'] else 0, opt.get('dist_params') or {})
    elif int(os.environ.get('WORLD_SIZE', '1')) > 1 and 'TORCHELASTIC_RUN_ID' in os.environ:
        raise OptionError('torchrun started several processes that do not know of each other; add --launcher pytorch')
    opt['rank'], opt['world_size'] = get_dist_info()


def _set_seed(opt: dict[str, Any]) -> None:
    if opt.get('manual_seed') is None:
        opt['manual_seed'] = random.randint(1, 10000)
    set_random_seed(opt['manual_seed'] + opt['rank'])


def _set_phases(opt: dict[str, Any]) -> None:
    for name, dataset in opt['datasets'].items():
        dataset['phase'] = name.split('_')[0]
        if 'scale' in opt:
            dataset['scale'] = opt['scale']
        for key in [key for key in dataset if key.startswith('dataroot') and dataset[key]]:
            dataset[key] = str(Path(dataset[key]).expanduser())


def _set_folders(opt: dict[str, Any]) -> None:
    path, root = opt['path'], Path(opt['root_path'])
    for key, value in path.items():
        if value is not None and 'pretrain_network' in key:
            network = opt.get(key.removeprefix('pretrain_')) or {}
            path[key] = str(resolve_option(str(value), network.get('type'), f'path.{key}'))
        elif value is not None and 'resume_state' in key:
            path[key] = str(Path(value).expanduser())
    if opt['is_train']:
        experiment = root / 'experiments' / opt['name']
        path.update(experiments_root=str(experiment), models=str(experiment / 'models'))
        path.update(training_states=str(experiment / 'training_states'), log=str(experiment))
        path['visualization'] = str(experiment / 'visualization')
    else:
        results = root / 'results' / opt['name']
        path.update(results_root=str(results), log=str(results), visualization=str(results / 'visualization'))


def _set_logger(opt: dict[str, Any]) -> None:
    logger = opt.setdefault('logger', {})
    for key, value in {'print_freq': 100, 'save_checkpoint_freq': 5000, 'use_tb_logger': False}.items():
        logger.setdefault(key, value)
    if (logger.get('wandb') or {}).get('project'):
        if not logger['use_tb_logger']:
            raise OptionError('logger.wandb: what it shows comes from TensorBoard; set logger.use_tb_logger: true')
        if find_spec('wandb') is None:
            raise OptionError(
                'logger.wandb: `pip install wandb` (the extra wandb), which is not installed, or take the project out'
            )
    if opt['name'].startswith('debug'):
        logger.update(print_freq=1, save_checkpoint_freq=8)
        if opt.get('val'):
            opt['val']['val_freq'] = 8
