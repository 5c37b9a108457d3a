"""The YAML keys that every data set of this package has."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SectionOptions:
    """Crop and symmetries of training, then the keys of a section of `datasets` that BasicSR reads."""

    gt_size: int | None = None
    use_hflip: bool = False
    use_rot: bool = False
    name: str
    type: str
    phase: str | None = None
    scale: int | None = None
    num_worker_per_gpu: int = 0
    batch_size_per_gpu: int | None = None
    dataset_enlarge_ratio: int = 1
    prefetch_mode: str | None = None
    num_prefetch_queue: int = 1
    pin_memory: bool = False
    persistent_workers: bool = False
