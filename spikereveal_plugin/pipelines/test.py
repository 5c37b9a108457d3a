"""`basicsr test`: restore and score every data set of an option file."""

from argparse import Namespace

import torch

from spikereveal_plugin.models.collective import gather
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.pipelines.folders import make_run_folder
from spikereveal_plugin.pipelines.loaders import build_test_loaders
from spikereveal_plugin.pipelines.log import close_log, open_log
from spikereveal_plugin.pipelines.setup import build_model_of, prepare_options


def test_pipeline(args: Namespace) -> None:
    """Test what an option file describes; outputs go to `results/<name>` of the current folder.

    Raises:
        SpikeRevealError: the options or the data are at fault.
    """
    opt = prepare_options(args, is_train=False)
    torch.backends.cudnn.benchmark = True
    loaders = build_test_loaders(opt)
    model = build_model_of(opt)
    lock = make_run_folder(opt, 'testing', is_new=True)
    try:
        gather(None)  # nobody writes before the folders are there
        logger = open_log(opt, 'test')
        if not isinstance(model, SpikeModel) and not opt['path'].get('pretrain_network_g'):
            logger.warning('path.pretrain_network_g is empty: what is tested has random weights')
        for loader in loaders:
            logger.info(f'Testing {loader.dataset.opt["name"]}: {len(loader.dataset)} images')  # type: ignore[attr-defined,arg-type]
            model.validation(loader, current_iter=opt['name'], tb_logger=None, save_img=opt['val']['save_img'])
    finally:
        close_log()
        if lock:
            lock.release()
