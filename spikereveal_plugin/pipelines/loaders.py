"""Data loaders of a run, and its length in iterations."""

from dataclasses import dataclass
from typing import Any

from basicsr.data import build_dataloader, build_dataset
from basicsr.data.data_sampler import EnlargedSampler
from torch.utils.data import DataLoader

from spikereveal_plugin.errors import OptionError


@dataclass(frozen=True)
class TrainData:
    """The training loader with its sampler, the validation loaders, and the run's length."""

    loader: DataLoader[Any]
    sampler: EnlargedSampler
    val_loaders: tuple[DataLoader[Any], ...]
    total_iter: int
    iters_per_epoch: int


def build_train_data(opt: dict[str, Any], start_iteration: int = 0) -> TrainData:
    """Build every loader; `train.total_epoch` becomes `total_iter` in `opt`, an epoch being a pass over the data.

    Workers live through all epochs: BasicSR seeds new ones alike, which would repeat the same crops in every epoch. For
    the same reason a run that goes on from `start_iteration` seeds them anew.

    Raises:
        OptionError: no training set, an unknown phase, or fewer samples than one batch holds.
    """
    sections = opt['datasets']
    if 'train' not in sections:
        raise OptionError('datasets: no section train')
    unknown = [name for name in sections if name.split('_')[0] not in ('train', 'val')]
    if unknown:
        raise OptionError(f'datasets: unknown phase {unknown[0]!r}; expected train, val, val_1, ...')
    train_opt = sections['train']
    dataset = build_dataset(train_opt)
    ratio = train_opt.get('dataset_enlarge_ratio', 1)
    sampler = EnlargedSampler(dataset, opt['world_size'], opt['rank'], ratio)
    section = {**train_opt, 'persistent_workers': train_opt.get('num_worker_per_gpu', 0) > 0}
    loader = _build_loader(dataset, section, opt, sampler, start_iteration)
    if len(loader) == 0:
        raise OptionError(
            f'datasets.train: {len(dataset)} samples (x {ratio}) are fewer than one batch; lower batch_size_per_gpu or '
            'raise dataset_enlarge_ratio'
        )
    opt['train'].update(total_iter=_total_iter(opt['train'], len(loader)), total_epoch=None)
    val_sections = [section for name, section in sections.items() if name != 'train']
    val_loaders = tuple(_build_loader(build_dataset(section), section, opt) for section in val_sections)
    return TrainData(loader, sampler, val_loaders, opt['train']['total_iter'], len(loader))


def build_test_loaders(opt: dict[str, Any]) -> tuple[DataLoader[Any], ...]:
    """Build the loaders of all data sets of a test, in the order of their sections' names."""
    return tuple(_build_loader(build_dataset(section), section, opt) for _, section in sorted(opt['datasets'].items()))


def _build_loader(
    dataset: Any, section: dict[str, Any], opt: dict[str, Any], sampler: Any = None, start_iteration: int = 0
) -> DataLoader[Any]:
    seed = opt['manual_seed'] + start_iteration
    return build_dataloader(dataset, section, num_gpu=opt['num_gpu'], dist=opt['dist'], sampler=sampler, seed=seed)


def _total_iter(train: dict[str, Any], iters_per_epoch: int) -> int:
    if train.get('total_iter') is not None:
        return int(train['total_iter'])
    if train.get('total_epoch') is None:
        raise OptionError('train: give total_iter or total_epoch')
    return int(train['total_epoch']) * iters_per_epoch
