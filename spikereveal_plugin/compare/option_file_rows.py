"""Rows of an option file of `basicsr`: its networks with its weights, and one row of its model's validation."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from basicsr.models import build_model
from basicsr.utils import get_root_logger
from basicsr.utils.registry import MODEL_REGISTRY
from torch import nn

from spikereveal_plugin._version import __version__
from spikereveal_plugin.compare.arch_rows import arch_row
from spikereveal_plugin.compare.complexity import Complexity, complexity_of
from spikereveal_plugin.compare.computation import Computation, RestorerComputation, student_inputs
from spikereveal_plugin.compare.method_options import ArchOptions, Density, OptionFileOptions
from spikereveal_plugin.compare.reading import digest
from spikereveal_plugin.compare.shot import Shot
from spikereveal_plugin.compare.stage_rows import bsn_size, dense_batch, teacher_size
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.frozen import all_arguments, weights_hash
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.options import check_keys, load_options
from spikereveal_plugin.weights.registry import resolve_option

GRAY_ROWS = ('edsr',)
TEACHER_ROWS = ('sdm_bsn', 'teacher')


def option_file_row(options: OptionFileOptions, device: str) -> Computation:
    """The networks of an option file.

    Raises:
        OptionError: the file or its weights are at fault, or its model has no such row.
    """
    opt = with_weights(load_options(Path(options.opt)), options.weights)
    check_keys({str(opt.get('model_type')): None}, MODEL_REGISTRY.keys(), f'{options.opt}: model_type')
    kind = MODEL_REGISTRY.get(opt['model_type'])
    return _spike_row(opt, kind, options, device) if issubclass(kind, SpikeModel) else _stock_row(opt, options, device)


def with_weights(opt: dict[str, Any], weights: str | Mapping[str, str] | None) -> dict[str, Any]:
    """Return options with other weights: of `network_g`, or by network.

    Raises:
        OptionError: `weights` names a network that is none of g, bsn, sr, or no registered weights.
    """
    given = {'g': weights} if isinstance(weights, str) else dict(weights or {})
    check_keys(given, ('g', 'bsn', 'sr'), 'weights')
    path = {**(opt.get('path') or {}), **{f'pretrain_network_{key}': value for key, value in given.items()}}
    for key, value in path.items():
        if value is not None and key.startswith('pretrain_network'):
            network = opt.get(key.removeprefix('pretrain_')) or {}
            path[key] = str(resolve_option(str(value), network.get('type'), f'path.{key}'))
    return {**opt, 'path': path}


def weight_files(options: OptionFileOptions) -> list[Path]:
    """Return the files of weights that a row of an option file needs.

    Raises:
        OptionError: the option file is at fault, or its model has no such row.
    """
    opt = with_weights(load_options(Path(options.opt)), options.weights)
    check_keys({str(opt.get('model_type')): None}, MODEL_REGISTRY.keys(), f'{options.opt}: model_type')
    kind = MODEL_REGISTRY.get(opt['model_type'])
    row = used_row(options, kind) if issubclass(kind, SpikeModel) else None
    if row is None or row == kind.methods[-1]:
        names: tuple[str, ...] = ('g',)
    else:
        names = ('bsn', 'sr') if row in TEACHER_ROWS else ()
    found = (opt['path'].get(f'pretrain_network_{name}') for name in names)
    return [Path(path) for path in found if path is not None]


def used_row(options: OptionFileOptions, kind: type[SpikeModel]) -> str:
    """Return the row of a model's validation that a method is.

    Raises:
        OptionError: the model has no such row, or it restores no colour frame.
    """
    row = options.row or kind.methods[-1]
    check_keys({row: None}, kind.methods, 'row')
    if row in GRAY_ROWS:
        raise OptionError(f'row: {row} restores the gray of the photo, not a frame; use sdm_bsn or teacher')
    return row


def _spike_row(opt: dict[str, Any], kind: type[SpikeModel], options: OptionFileOptions, device: str) -> Computation:
    row = used_row(options, kind)
    density: Density = options.density if options.density is not None else _of_test_set(opt, 'density', 1.0)
    model = _build(opt, kind, row, device)
    networks = _networks(model, row)
    parts = [f'{key} {all_arguments(opt[key])} {weights_hash(network)}' for key, network in networks.items()]
    identity = digest(
        ['option file', opt['model_type'], row, str(model.spike_options), str(density), *parts, __version__]
    )
    return RestorerComputation(
        identity,
        model.restorer(row),
        lambda shot: model.scene(dense_batch(shot, density)),
        lambda shot: _size(model, row, networks, shot),
    )


def _build(opt: dict[str, Any], kind: type[SpikeModel], row: str, device: str) -> Any:
    """Build the model to test one row with; weights that the row does not use are not asked for."""
    tested = {key: value for key, value in opt.items() if key not in ('train', 'logger')}
    path = {key: value for key, value in opt['path'].items() if key != 'resume_state'}
    if row != kind.methods[-1]:
        path['pretrain_network_g'] = None
    tested.update(path=path, val={'methods': [row]}, is_train=False, dist=False, rank=0, world_size=1)
    tested.update(num_gpu=int(device.startswith('cuda')), datasets=opt.get('datasets') or {})
    with _quietly():
        model = build_model(tested)
    model.net_g.eval()
    return model


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep BasicSR from printing each network."""
    logger = get_root_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _networks(model: Any, row: str) -> dict[str, nn.Module]:
    """Return the networks that a row runs, by section."""
    if row == model.methods[-1]:
        return {'network_g': model.trained_network}
    if row in TEACHER_ROWS:
        return {'network_bsn': model.teacher().denoiser, 'network_sr': model.teacher().upscaler}
    return {}


def _size(model: Any, row: str, networks: Mapping[str, nn.Module], shot: Shot) -> Complexity:
    if row == 'teacher':
        return teacher_size(model.teacher(), shot)
    if row == 'sdm_bsn':
        return bsn_size(networks.get('network_bsn', networks.get('network_g', model.net_g)), shot)
    if not networks:
        return Complexity()
    network = networks['network_g']
    return complexity_of((network, student_inputs(network, shot)))


def _of_test_set(opt: Mapping[str, Any], key: str, default: Any) -> Any:
    """Return an option of the first data set that is not trained on."""
    sections = (opt.get('datasets') or {}).items()
    return next((section.get(key, default) for phase, section in sections if not phase.startswith('train')), default)


def _photos(opt: Mapping[str, Any]) -> int | None:
    """Return how many photos of a sequence a stock model is tested with; None where it sees one image."""
    count = int(_of_test_set(opt, 'num_frame', 1))
    return count if count > 1 else None


def _stock_row(opt: Mapping[str, Any], options: OptionFileOptions, device: str) -> Computation:
    """A stock model's network, as a registered arch."""
    if options.row is not None:
        raise OptionError(f'row: the stock model {opt["model_type"]} has one result; leave row out')
    weights = opt['path'].get('pretrain_network_g')
    if weights is None:
        raise OptionError(f'{options.opt}: path.pretrain_network_g is empty; give `weights`')
    if not isinstance(opt.get('network_g'), Mapping):
        raise OptionError(f'{options.opt}: there is no section network_g')
    section = ArchOptions(
        type='arch',
        network=opt['network_g'],
        weights=weights,
        param_key=opt['path'].get('param_key_g', 'params'),
        photos=options.photos or _photos(opt),
        multiple=options.multiple,
        density=1.0 if options.density is None else options.density,
    )
    return arch_row(section, device)
