"""`basicsr train`: BasicSR's parts in a loop that also runs, and resumes, on a CPU."""

import datetime
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
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

from spikereveal_plugin.pipelines.loaders import TrainData, build_prefetcher, build_train_data
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
    data = build_train_data(opt)
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
    iteration = 0
    if state is not None:
        model.resume_training(state)
        iteration = state['iter']
        logger.info(f'Resuming training from epoch: {state["epoch"]}, iter: {iteration}.')
    _Loop(opt, model, data, tb_logger).run(iteration)
    if tb_logger:
        tb_logger.close()
    close_log()


class _Loop:
    """The loop over epochs and iterations, with what happens every so often in it."""

    def __init__(self, opt: dict[str, Any], model: Any, data: TrainData, tb_logger: Any) -> None:
        self.opt, self.model, self.data, self.tb_logger = opt, model, data, tb_logger
        self.logger = root_logger()
        self.data_timer, self.iter_timer = AvgTimer(), AvgTimer()

    def run(self, start_iteration: int) -> None:
        started, total = time.time(), self.data.total_iter
        messages = MessageLogger(self.opt, start_iteration, self.tb_logger)
        bar = tqdm(desc=self.opt['name'], total=total, initial=start_iteration, unit='it', disable=None)
        with bar, logging_redirect_tqdm([self.logger]):
            for epoch, iteration, batch in self._batches(start_iteration):
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

    def _batches(self, iteration: int) -> Iterator[tuple[int, int, Any]]:
        """(epoch, iteration, batch) from after `iteration` up to the run's length; each epoch has its own order."""
        prefetcher = None
        while iteration < self.data.total_iter:
            epoch, done = divmod(iteration, self.data.iters_per_epoch)
            self.data.sampler.go_to(epoch, done * self.data.sampler.batch)
            if prefetcher is None:
                prefetcher = build_prefetcher(self.data, self.opt)
            else:
                prefetcher.reset()
            for _ in range(min(self.data.iters_per_epoch - done, self.data.total_iter - iteration)):
                self.data_timer.start()
                batch = prefetcher.next()
                self.data_timer.record()
                iteration += 1
                yield epoch, iteration, batch

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
