"""Rows of an option file of `basicsr`: its networks with its weights, and one row of its model's validation."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from basicsr.models import build_model
from basicsr.utils import get_root_logger
from basicsr.utils.registry import MODEL_REGISTRY

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.extensions import import_extensions
from spikereveal_plugin.inference.arch import ArchOptions
from spikereveal_plugin.models.needs import density_of_weights
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.option_files import find_option_file
from spikereveal_plugin.options import check_choice, check_keys, load_options, lookup_name
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.restorers.kinds import RestorerOptions, register
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.weights.network import all_arguments
from spikereveal_plugin.weights.registry import resolve_option

GRAY_ROWS = ('edsr',)
NETWORKS = {'sdm_bsn': ('network_bsn', 'network_sr'), 'teacher': ('network_bsn', 'network_sr')}


@register('option_file')
@dataclass(frozen=True, kw_only=True)
class OptionFileOptions(RestorerOptions):
    """`opt`: an option file of `basicsr test` or `train`, whose networks and weights are used as it would."""

    opt: str
    """the option file"""
    weights: str | Mapping[str, str] | None = None
    """over `path.pretrain_network_g`, or by network (`g`, `bsn`, `sr`) over each"""
    row: str | None = None
    """one of its model's `val.methods`, by default the trained network"""
    photos: int | None = None
    """of a stock model, as in `type: arch`; by default `num_frame` of its test set"""
    multiple: int = 1
    """of a stock model, as in `type: arch`"""
    density: float | Literal['auto'] | None = None
    """over that of its test set"""

    def build(self, device: torch.device) -> Restorer:
        """Make the restorer.

        Raises:
            OptionError: the file or its weights are at fault, or its model has no such row.
        """
        opt = self._options()
        kind = model_class(opt, self.opt)
        if not issubclass(kind, SpikeModel):
            return self._stock(opt).build(device)
        row = self._row(kind)
        restorer: Restorer = _build(opt, kind, row, device).restorer(row)
        return restorer.wanting(self._density(opt, _networks(kind, row)))

    def files(self) -> tuple[Path, ...]:
        opt = self._options()
        kind = model_class(opt, self.opt)
        if issubclass(kind, SpikeModel):
            names = _networks(kind, self._row(kind))
        else:
            self._stock(opt)
            names = ('network_g',)
        paths = (opt['path'].get(f'pretrain_{name}') for name in names)
        return tuple(Path(path) for path in paths if path is not None)

    def identity(self) -> tuple[str, ...]:
        opt = self._options()
        kind = model_class(opt, self.opt)
        if not issubclass(kind, SpikeModel):
            return self._stock(opt).identity()
        row = self._row(kind)
        sections = (f'{name} {all_arguments(opt[name])}' for name in _networks(kind, row) if name in opt)
        return opt['model_type'], row, str(opt.get('spike')), str(self._density(opt, _networks(kind, row))), *sections

    def _options(self) -> dict[str, Any]:
        """The option file's content, with the weights that are asked for."""
        opt = load_options(Path(self.opt))
        import_extensions(opt.get('import'), find_option_file(Path(self.opt)).parent)
        return with_weights(opt, self.weights)

    def _row(self, kind: type[SpikeModel]) -> str:
        """Return the row of a model's validation that the method is."""
        row = self.row or kind.trained_method
        check_choice(row, kind.known_methods(), 'row')
        if row in GRAY_ROWS:
            raise OptionError(f'row: {row} restores the gray of the photo, not a frame; use sdm_bsn or teacher')
        return kind.aliases.get(row, row)

    def _density(self, opt: Mapping[str, Any], networks: Sequence[str]) -> Density:
        """What is said here, else of the test set, else in the weights' cards."""
        of_weights = density_of_weights(opt, networks) or AS_RECORDED
        given = of_test_set(opt, 'density', of_weights.value) if self.density is None else self.density
        try:
            return Density(given, of_test_set(opt, 'trained_threshold', of_weights.threshold))
        except ValueError as error:
            raise OptionError(str(error)) from None

    def _stock(self, opt: Mapping[str, Any]) -> ArchOptions:
        """A stock model's network, as a registered arch."""
        if self.row is not None:
            raise OptionError(f'row: the stock model {opt["model_type"]} has one result; leave row out')
        weights = opt['path'].get('pretrain_network_g')
        if weights is None:
            raise OptionError(f'{self.opt}: path.pretrain_network_g is empty; give `weights`')
        if not isinstance(opt.get('network_g'), Mapping):
            raise OptionError(f'{self.opt}: there is no section network_g')
        num_frame = int(of_test_set(opt, 'num_frame', 1))
        return ArchOptions(
            network=opt['network_g'],
            weights=weights,
            param_key=opt['path'].get('param_key_g', 'params'),
            photos=self.photos or (num_frame if num_frame > 1 else None),
            multiple=self.multiple,
            density=self.density,
        )


def model_class(opt: Mapping[str, Any], where: str) -> Any:
    """Return the class that `model_type` names.

    Raises:
        OptionError: it names none.
    """
    return lookup_name(MODEL_REGISTRY, str(opt.get('model_type')), f'{where}: model_type')


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


def of_test_set(opt: Mapping[str, Any], key: str, default: Any) -> Any:
    """Return an option of the first data set that is not trained on."""
    sections = (opt.get('datasets') or {}).items()
    return next((section.get(key, default) for phase, section in sections if not phase.startswith('train')), default)


def _networks(kind: type[SpikeModel], row: str) -> tuple[str, ...]:
    """Return the sections of the networks that a row runs."""
    return ('network_g',) if row == kind.trained_method else NETWORKS.get(row, ())


def _build(opt: dict[str, Any], kind: type[SpikeModel], row: str, device: torch.device) -> SpikeModel:
    """Build the model to test one row with; weights that the row does not use are not asked for."""
    tested = {key: value for key, value in opt.items() if key not in ('train', 'logger')}
    path = {key: value for key, value in opt['path'].items() if key != 'resume_state'}
    if row != kind.trained_method:
        path['pretrain_network_g'] = None
    tested.update(path=path, val={'methods': [row]}, is_train=False, dist=False, rank=0, world_size=1)
    tested.update(num_gpu=int(device.type == 'cuda'), datasets=opt.get('datasets') or {})
    with _quietly():
        model: SpikeModel = build_model(tested)
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
