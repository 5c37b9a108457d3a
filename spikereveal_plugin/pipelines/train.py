"""`basicsr train`: BasicSR's parts in a loop that also runs, and resumes exactly, on a CPU and in several processes."""

import shutil
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from basicsr.train import init_tb_loggers
from basicsr.utils import mkdir_and_rename
from basicsr.utils.options import copy_opt_file

from spikereveal_plugin.formats.atomic import naming
from spikereveal_plugin.formats.lock import FolderLock
from spikereveal_plugin.models.collective import gather
from spikereveal_plugin.option_files import find_option_file
from spikereveal_plugin.pipelines.first_look import look_at_validation
from spikereveal_plugin.pipelines.folders import make_run_folder
from spikereveal_plugin.pipelines.loaders import build_train_data
from spikereveal_plugin.pipelines.log import close_log, open_log
from spikereveal_plugin.pipelines.loop import Loop
from spikereveal_plugin.pipelines.place import Position, resumed_place
from spikereveal_plugin.pipelines.resume import load_resume_state, resume_random
from spikereveal_plugin.pipelines.resumed_rates import rates_of, settle
from spikereveal_plugin.pipelines.setup import build_model_of, prepare_options
from spikereveal_plugin.pipelines.workers import ending_workers


@ending_workers()
def train_pipeline(args: Namespace) -> None:
    """Train what an option file describes; outputs go to `experiments/<name>` of the current folder.

    Raises:
        SpikeRevealError: the options or the data are at fault, a loss is not finite, or the run was asked to stop.
    """
    opt = prepare_options(args, is_train=True)
    torch.backends.cudnn.benchmark = True
    state = load_resume_state(opt)
    data = build_train_data(opt)
    model = build_model_of(opt)
    tb_logger = lock = None
    try:
        lock = _make_folders(opt, args.opt, is_new=state is None)
        logger = open_log(opt, 'train')
        with naming(Path(opt['root_path'], 'tb_logger', opt['name'])):
            tb_logger = init_tb_loggers(opt)
        logger.info(
            f'{len(data.loader.dataset)} samples, {data.iters_per_epoch} iterations an epoch, '  # type: ignore[arg-type]
            f'{data.total_iter} iterations in all'
        )
        look_at_validation(opt, data.val_loaders)
        loop = Loop(opt, model, data, tb_logger)
        if state is None:
            loop.run(Position(data.sampler.length), is_validated=not (opt.get('val') or {}).get('at_start'))
            return
        place = resumed_place(state, data.sampler)
        of_file = rates_of(model)
        model.resume_training(state)
        settle(model, of_file, takes_file=getattr(args, 'resume_lr', 'state') == 'file')
        if state.get('best'):
            model.best_metric_results = state['best']
        resume_random(opt, state)
        loop.early_stop.scores = [(int(number), score) for number, score in state.get('early_stop', ())]
        logger.info(f'Resuming training from epoch: {place.epoch}, iter: {place.iteration}.')
        if place.iteration >= data.total_iter:
            logger.warning(f'Nothing is left to train: train.total_iter is {data.total_iter}.')
        loop.run(place, is_validated=state.get('is_validated', True))
    finally:
        if tb_logger:
            tb_logger.close()
        close_log()
        if lock:
            lock.release()


def _make_folders(opt: dict[str, Any], option_file: str, *, is_new: bool) -> FolderLock | None:
    with tempfile.TemporaryDirectory() as folder:
        kept = shutil.copy(find_option_file(Path(option_file)), folder)  # it may lie in the folder that is renamed
        lock = make_run_folder(opt, 'training', is_new=is_new)
        if is_new and opt['logger']['use_tb_logger'] and 'debug' not in opt['name'] and opt['rank'] == 0:
            mkdir_and_rename(str(Path(opt['root_path'], 'tb_logger', opt['name'])))
        if opt['rank'] == 0:
            copy_opt_file(str(kept), opt['path']['experiments_root'])
    gather(None)  # nobody writes before the folders are there
    return lock
