"""`--check`: build everything an option file names, train nothing, write nothing."""

from argparse import Namespace

from spikereveal_plugin.pipelines.loaders import build_test_loaders, build_train_data
from spikereveal_plugin.pipelines.log import root_logger
from spikereveal_plugin.pipelines.setup import build_model_of, prepare_options


def check_pipeline(args: Namespace, *, is_train: bool) -> None:
    """Read the options, open the data, load one item of each set, build the model with its weights.

    Raises:
        SpikeRevealError: the options, the data or the weights are at fault.
    """
    opt = prepare_options(args, is_train=is_train)
    if is_train:
        data = build_train_data(opt)
        loaders = (data.loader, *data.val_loaders)
    else:
        loaders = build_test_loaders(opt)
    logger = root_logger()
    for loader in loaders:
        item = loader.dataset[0]
        shapes = {key: tuple(value.shape) for key, value in item.items() if hasattr(value, 'shape')}
        logger.info(f'{loader.dataset.opt["name"]}: {len(loader.dataset)} samples, the first {shapes}')  # type: ignore[attr-defined,arg-type]
    build_model_of(opt)
    length = f'; {opt["train"]["total_iter"]} iterations' if is_train else ''
    logger.info(f'{args.opt}: nothing at fault{length}')
