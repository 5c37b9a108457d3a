"""The folder of an experiment or a test: made, an older one put aside as BasicSR does, and kept from other runs."""

from pathlib import Path
from typing import Any

from basicsr.utils import make_exp_dirs

from spikereveal_plugin.formats.lock import FolderLock


def claim_folder(opt: dict[str, Any], work: str, *, is_new: bool) -> FolderLock | None:
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
    lock = FolderLock(root, work)
    if root.is_dir():
        lock.acquire()
    if is_new:
        lock.release()
        make_exp_dirs(opt)
    lock.acquire()
    return lock
