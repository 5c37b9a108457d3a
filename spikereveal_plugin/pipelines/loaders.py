"""Data loaders of a run, and its length in iterations."""

from dataclasses import dataclass
from typing import Any

import torch
from basicsr.data import build_dataloader, build_dataset
from basicsr.data.prefetch_dataloader import CPUPrefetcher, CUDAPrefetcher
from torch.utils.data import DataLoader

from spikereveal_plugin.data.epoch_sampler import EpochSampler
from spikereveal_plugin.data.seeded_dataset import SeededDataset
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.pipelines.workers import leave_signals_to_the_run


@dataclass(frozen=True)
class TrainData:
    """The training loader with its sampler, the validation loaders, and the run's length."""

    loader: DataLoader[Any]
    sampler: EpochSampler
    val_loaders: tuple[DataLoader[Any], ...]
    total_iter: int

    @property
    def iters_per_epoch(self) -> int:
        """Iterations of one pass over the data."""
        return self.sampler.iters_per_epoch


def build_train_data(opt: dict[str, Any]) -> TrainData:
    """Build every loader; `train.total_epoch` becomes `total_iter` in `opt`, an epoch being a pass over the data.

    Raises:
        OptionError: no training set, an unknown phase or prefetch mode, or fewer samples than one batch holds.
    """
    sections = opt['datasets']
    if 'train' not in sections:
        raise OptionError('datasets: no section train')
    unknown = [name for name in sections if name.split('_')[0] not in ('train', 'val')]
    if unknown:
        raise OptionError(f'datasets: unknown phase {unknown[0]!r}; expected train, val, val_1, ...')
    section = _loader_section(sections['train'])
    dataset = SeededDataset(build_dataset(section), opt['manual_seed'])
    processes = opt['world_size'] if opt['dist'] else max(opt['num_gpu'], 1)  # BasicSR's DataParallel: one loader
    batch, ratio = section['batch_size_per_gpu'] * processes, section.get('dataset_enlarge_ratio', 1)
    sampler = EpochSampler(len(dataset), batch, opt['world_size'], opt['rank'], ratio)
    if sampler.iters_per_epoch == 0:
        raise OptionError(
            f'datasets.train: {len(dataset)} samples (x {ratio}) are fewer than one batch of {batch}; lower '
            'batch_size_per_gpu or raise dataset_enlarge_ratio'
        )
    loader = _build_loader(dataset, section, opt, sampler)
    loader.worker_init_fn = leave_signals_to_the_run
    opt['train'].update(total_iter=_total_iter(opt['train'], sampler.iters_per_epoch), total_epoch=None)
    val_sections = [section for name, section in sections.items() if name != 'train']
    val_loaders = tuple(_build_loader(build_dataset(section), section, opt) for section in val_sections)
    return TrainData(loader, sampler, val_loaders, opt['train']['total_iter'])


def build_test_loaders(opt: dict[str, Any]) -> tuple[DataLoader[Any], ...]:
    """Build the loaders of all data sets of a test, in the order of their sections' names; never the training set.

    So an option file of a training tests its validation sets.

    Raises:
        OptionError: there is no data set to test.
    """
    sections = [section for name, section in sorted(opt['datasets'].items()) if name.split('_')[0] != 'train']
    if not sections:
        raise OptionError('datasets: no section test or val to test on')
    return tuple(_build_loader(build_dataset(section), section, opt) for section in sections)


def build_prefetcher(data: TrainData, opt: dict[str, Any]) -> Any:
    """BasicSR's prefetcher that `prefetch_mode` names, at the sampler's place."""
    section = opt['datasets']['train']
    if section.get('prefetch_mode') == 'cuda' and opt['num_gpu']:
        if not section.get('pin_memory'):
            raise OptionError('datasets.train.prefetch_mode: cuda needs pin_memory: true')
        return CUDAPrefetcher(data.loader, opt)
    return CPUPrefetcher(data.loader)


def _loader_section(section: dict[str, Any]) -> dict[str, Any]:
    """Workers live through all epochs unless `persistent_workers` is false; `prefetch_mode: cpu` has at least one.

    BasicSR's prefetching thread would draw random numbers beside the training, and hangs when an item fails.
    """
    mode = section.get('prefetch_mode')
    if mode not in (None, 'cpu', 'cuda'):
        raise OptionError(f'datasets.train.prefetch_mode: expected ~, cpu or cuda, found {mode!r}')
    workers = max(section.get('num_worker_per_gpu') or 0, 1 if mode == 'cpu' else 0)
    mode = None if mode == 'cpu' else mode
    stay = workers > 0 and section.get('persistent_workers', True)
    return {**section, 'num_worker_per_gpu': workers, 'persistent_workers': stay, 'prefetch_mode': mode}


def _build_loader(dataset: Any, section: dict[str, Any], opt: dict[str, Any], sampler: Any = None) -> DataLoader[Any]:
    loader: DataLoader[Any] = build_dataloader(
        dataset, section, num_gpu=opt['num_gpu'], dist=opt['dist'], sampler=sampler
    )
    if (queue := section.get('num_prefetch_queue')) and loader.num_workers:
        loader.prefetch_factor = queue  # batches that each worker loads ahead
    loader.generator = torch.Generator().manual_seed(opt['manual_seed'])  # the global one is the model's
    return loader


def _total_iter(train: dict[str, Any], iters_per_epoch: int) -> int:
    if train.get('total_iter') is not None:
        return int(train['total_iter'])
    if train.get('total_epoch') is None:
        raise OptionError('train: give total_iter or total_epoch')
    return int(train['total_epoch']) * iters_per_epoch
