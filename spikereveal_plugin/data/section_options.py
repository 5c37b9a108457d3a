"""The YAML keys that every data set of this package has."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SectionOptions:
    """What every data set of this package reads, and what BasicSR reads of its section."""

    gt_size: int | None = None
    """side of the training crop, in image pixels"""
    use_hflip: bool = False
    """mirror half of the training crops"""
    use_rot: bool = False
    """turn and flip the training crops"""
    name: str
    """of the data set, in logs and results"""
    type: str
    """the registered class"""
    phase: str | None = None
    """filled in: the key of the section"""
    scale: int | None = None
    """filled in: `scale` of the option file"""
    num_worker_per_gpu: int = 0
    """processes that load training items"""
    batch_size_per_gpu: int | None = None
    """items of a training batch"""
    dataset_enlarge_ratio: int = 1
    """how often an epoch passes over the data"""
    prefetch_mode: str | None = None
    """`cpu` or `cuda`: load ahead; ~: PyTorch's loader alone"""
    num_prefetch_queue: int | None = None
    """batches that each worker loads ahead; ~: two, as PyTorch's loader"""
    pin_memory: bool = False
    """as PyTorch's loader"""
    persistent_workers: bool = True
    """as PyTorch's loader: workers live on from one epoch to the next"""
