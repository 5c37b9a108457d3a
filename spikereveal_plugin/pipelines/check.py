"""`--check`: build everything an option file names, train nothing, write nothing."""

from argparse import Namespace
from typing import Any

from spikereveal_plugin.data.seeded_dataset import Draw, SeededDataset
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
        dataset: Any = loader.dataset
        item = dataset[Draw(0, 0, 0) if isinstance(dataset, SeededDataset) else 0]
        shapes = {key: tuple(value.shape) for key, value in item.items() if hasattr(value, 'shape')}
        logger.info(f'{dataset.opt["name"]}: {len(dataset)} samples, the first {shapes}')
    build_model_of(opt)
    length = f'; {opt["train"]["total_iter"]} iterations' if is_train else ''
    logger.info(f'{args.opt}: nothing at fault{length}')
