"""The folder of an experiment or a test: made, an older one put aside as BasicSR does, and kept from other runs."""

import re
from pathlib import Path
from typing import Any

from basicsr.utils import make_exp_dirs

from spikereveal_plugin.formats.lock import FolderLock

_TORN = re.compile(r'(net_\w+\.pth|\d+\.state)\.partial')


def make_run_folder(opt: dict[str, Any], work: str, *, is_new: bool) -> FolderLock | None:
    """Make the folders of a run, in the first process; returns the lock, to be released when the run ends.

    Args:
        opt: complete options.
        work: `training` or `testing`.
        is_new: begin with a new folder; one that is there is renamed, with the time in its name.

    Raises:
        SpikeDataError: another process works in the folder, which stays as it is.
    """
    if opt['rank'] != 0:
        return None
    root = Path(opt['path']['experiments_root' if opt['is_train'] else 'results_root'])
    lock = FolderLock(root, f'{work} there')
    if root.is_dir():
        lock.acquire()
    if is_new:
        lock.release()
        make_exp_dirs(opt)
    lock.acquire()
    for torn in (path for folder in ('models', 'training_states') for path in (root / folder).glob('*.partial')):
        if _TORN.fullmatch(torn.name):
            torn.unlink()  # of a run that was killed while it saved: nobody else is at work here
    return lock
