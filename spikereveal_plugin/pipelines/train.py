"""`basicsr train`: BasicSR's parts in a loop that also runs, and resumes, on a CPU."""

import datetime
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from basicsr.data.prefetch_dataloader import CPUPrefetcher, CUDAPrefetcher
from basicsr.train import init_tb_loggers
from basicsr.utils import (
    AvgTimer,
    MessageLogger,
    make_exp_dirs,
    mkdir_and_rename,
)
from basicsr.utils.options import copy_opt_file
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.pipelines.loaders import TrainData, build_train_data
from spikereveal_plugin.pipelines.log import close_log, open_log, root_logger
from spikereveal_plugin.pipelines.resume import load_resume_state
from spikereveal_plugin.pipelines.setup import build_model_of, prepare_options


def train_pipeline(args: Namespace) -> None:
    """Train what an option file describes; outputs go to `experiments/<name>` of the current folder.

    Raises:
        SpikeRevealError: the options or the data are at fault.
    """
    opt = prepare_options(args, is_train=True)
    torch.backends.cudnn.benchmark = True
    state = load_resume_state(opt)
    data = build_train_data(opt, state['iter'] if state else 0)
    model = build_model_of(opt)
    if state is None:
        make_exp_dirs(opt)
        if opt['logger']['use_tb_logger'] and 'debug' not in opt['name'] and opt['rank'] == 0:
            mkdir_and_rename(str(Path(opt['root_path'], 'tb_logger', opt['name'])))
    if opt['rank'] == 0:
        copy_opt_file(args.opt, opt['path']['experiments_root'])
    logger = open_log(opt, 'train')
    tb_logger = init_tb_loggers(opt)
    logger.info(
        f'{len(data.loader.dataset)} samples, {data.iters_per_epoch} iterations an epoch, '  # type: ignore[arg-type]
        f'{data.total_iter} iterations in all'
    )
    epoch, iteration = 0, 0
    if state is not None:
        model.resume_training(state)
        epoch, iteration = state['epoch'], state['iter']
        logger.info(f'Resuming training from epoch: {epoch}, iter: {iteration}.')
    _Loop(opt, model, data, tb_logger).run(epoch, iteration)
    if tb_logger:
        tb_logger.close()
    close_log()


class _Loop:
    """The loop over epochs and iterations, with what happens every so often in it."""

    def __init__(self, opt: dict[str, Any], model: Any, data: TrainData, tb_logger: Any) -> None:
        self.opt, self.model, self.data, self.tb_logger = opt, model, data, tb_logger
        self.logger = root_logger()
        self.data_timer, self.iter_timer = AvgTimer(), AvgTimer()

    def run(self, start_epoch: int, start_iteration: int) -> None:
        started, total = time.time(), self.data.total_iter
        messages = MessageLogger(self.opt, start_iteration, self.tb_logger)
        bar = tqdm(desc=self.opt['name'], total=total, initial=start_iteration, unit='it', disable=None)
        with bar, logging_redirect_tqdm([self.logger]):
            for epoch, iteration, batch in self._batches(start_epoch, start_iteration):
                self.model.update_learning_rate(iteration, warmup_iter=self.opt['train'].get('warmup_iter', -1))
                self.model.feed_data(batch)
                self.model.optimize_parameters(iteration)
                self.iter_timer.record()
                bar.update()
                self._after(epoch, iteration, messages)
                self.iter_timer.start()
        self.logger.info(f'End of training. Time consumed: {datetime.timedelta(seconds=int(time.time() - started))}')
        self.model.save(epoch=-1, current_iter=-1)
        self._validate(total)

    def _batches(self, epoch: int, iteration: int) -> Iterator[tuple[int, int, Any]]:
        """(epoch, iteration, batch) up to the run's length, the sampler shuffled anew each epoch."""
        prefetcher = _prefetcher(self.data, self.opt)
        while iteration < self.data.total_iter:
            self.data.sampler.set_epoch(epoch)
            prefetcher.reset()
            while iteration < self.data.total_iter:
                self.data_timer.start()
                batch = prefetcher.next()
                self.data_timer.record()
                if batch is None:
                    break
                iteration += 1
                yield epoch, iteration, batch
            epoch += 1

    def _after(self, epoch: int, iteration: int, messages: MessageLogger) -> None:
        if iteration % self.opt['logger']['print_freq'] == 0:
            times = {'time': self.iter_timer.get_avg_time(), 'data_time': self.data_timer.get_avg_time()}
            rates = {'lrs': self.model.get_current_learning_rate()}
            messages({'epoch': epoch, 'iter': iteration, **rates, **times, **self.model.get_current_log()})
        if iteration % self.opt['logger']['save_checkpoint_freq'] == 0:
            self.logger.info('Saving models and training states.')
            self.model.save(epoch, iteration)
        val_freq = (self.opt.get('val') or {}).get('val_freq')
        if val_freq and iteration % val_freq == 0 and iteration < self.data.total_iter:
            self._validate(iteration)

    def _validate(self, iteration: int) -> None:
        if self.opt.get('val'):
            for loader in self.data.val_loaders:
                self.model.validation(loader, iteration, self.tb_logger, self.opt['val'].get('save_img', False))


def _prefetcher(data: TrainData, opt: dict[str, Any]) -> Any:
    mode = opt['datasets']['train'].get('prefetch_mode')
    if mode == 'cuda' and opt['num_gpu']:
        if not opt['datasets']['train'].get('pin_memory'):
            raise OptionError('datasets.train.prefetch_mode: cuda needs pin_memory: true')
        return CUDAPrefetcher(data.loader, opt)
    if mode not in (None, 'cpu', 'cuda'):
        raise OptionError(f'datasets.train.prefetch_mode: expected ~, cpu or cuda, found {mode!r}')
    return CPUPrefetcher(data.loader)
