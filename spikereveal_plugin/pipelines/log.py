"""BasicSR's root logger, usable before a log file exists and through several runs in one process."""

import logging
import sys
from logging.handlers import MemoryHandler
from pathlib import Path
from typing import Any

from basicsr.utils import get_env_info, get_root_logger, get_time_str
from basicsr.utils.dist_util import get_dist_info
from basicsr.utils.options import dict2str


def root_logger() -> logging.Logger:
    """Return BasicSR's logger at level INFO, which BasicSR sets only once it has a file, writing to today's stderr."""
    logger: logging.Logger = get_root_logger()
    for handler in logger.handlers:
        if type(handler) is logging.StreamHandler:
            handler.stream = sys.stderr  # not setStream, which first flushes a stream that may be closed
    logger.setLevel(logging.INFO if get_dist_info()[0] == 0 else logging.ERROR)
    return logger


def open_log(opt: dict[str, Any], kind: str) -> logging.Logger:
    """Log to `<kind>_<name>_<time>.log` from now on, beginning with the environment and the options."""
    logger = root_logger()
    logger.info(get_env_info())
    logger.info(dict2str(opt))
    if opt['rank'] == 0:
        file = logging.FileHandler(Path(opt['path']['log'], f'{kind}_{opt["name"]}_{get_time_str()}.log'), 'w')
        file.setFormatter(logging.Formatter('%(asctime)s %(levelname)s: %(message)s'))
        for early in [handler for handler in logger.handlers if isinstance(handler, MemoryHandler)]:
            early.setTarget(file)
            early.flush()
        close_log()
        logger.addHandler(file)
    return logger


def keep_early_messages() -> None:
    """Keep what is logged until `open_log`, so that the file has it too."""
    close_log()
    root_logger().addHandler(MemoryHandler(capacity=100_000, flushLevel=logging.CRITICAL + 1))


def close_log() -> None:
    """Close the log files of the run that is over."""
    logger = root_logger()
    for handler in [handler for handler in logger.handlers if isinstance(handler, logging.FileHandler | MemoryHandler)]:
        logger.removeHandler(handler)
        handler.close()
