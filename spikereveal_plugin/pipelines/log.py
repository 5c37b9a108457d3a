"""BasicSR's root logger, usable before a log file exists and through several runs in one process."""

import logging
import sys
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
    close_log()
    if opt['rank'] == 0:
        handler = logging.FileHandler(Path(opt['path']['log'], f'{kind}_{opt["name"]}_{get_time_str()}.log'), 'w')
        handler.setFormatter(logging.Formatter('%(asctime)s %(levelname)s: %(message)s'))
        logger.addHandler(handler)
    logger.info(get_env_info())
    logger.info(dict2str(opt))
    return logger


def close_log() -> None:
    """Close the log files of the run that is over."""
    logger = root_logger()
    for handler in [handler for handler in logger.handlers if isinstance(handler, logging.FileHandler)]:
        logger.removeHandler(handler)
        handler.close()
