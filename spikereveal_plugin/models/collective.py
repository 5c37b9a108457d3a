"""What processes that train together tell each other; with one process, what it tells itself."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset


def is_together() -> bool:
    """Whether this process is in a group."""
    return dist.is_available() and dist.is_initialized()


def is_first() -> bool:
    """Whether this process is the first of its group, or alone."""
    return not is_together() or dist.get_rank() == 0


def gather(item: Any) -> list[Any]:
    """Return the item of every process in the order of their ranks; all processes must call it."""
    if not is_together():
        return [item]
    items: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(items, item)
    return items


def largest(*numbers: int) -> list[int]:
    """Return, for each number, the largest among all processes; all processes must call it."""
    if not is_together():
        return list(numbers)
    device = 'cuda' if dist.get_backend() == 'nccl' else 'cpu'
    tensor = torch.tensor(numbers, device=device)
    dist.all_reduce(tensor, dist.ReduceOp.MAX)
    return [int(number) for number in tensor.tolist()]


def from_first(tensors: Iterable[torch.Tensor]) -> None:
    """Give every process the first one's values of its tensors, in place; all processes must call it."""
    for tensor in tensors if is_together() else ():
        dist.broadcast(tensor, 0)


class ValidationStoppedError(Exception):
    """A validation was left before its end, because the run was asked to stop."""


class UntilStopped:
    """A validation loader that ends with `ValidationStoppedError` before the next sample once a stop is asked for."""

    def __init__(self, loader: DataLoader[Any], is_stopping: Callable[[], bool]) -> None:
        self.loader, self.is_stopping = loader, is_stopping

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            if self.is_stopping():
                raise ValidationStoppedError
            yield batch


class Share(Dataset[Any]):
    """Every N-th sample of a data set, from the process's rank on."""

    def __init__(self, dataset: Any, rank: int, world_size: int) -> None:
        self.dataset, self.opt = dataset, dataset.opt
        self._indices = range(rank, len(dataset), world_size)

    def __getattr__(self, name: str) -> Any:
        if name == 'dataset':
            raise AttributeError(name)  # while it is being unpickled
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self._indices[index]]


def share(loader: Any, rank: int, world_size: int) -> Any:
    """A loader of one process's share of a validation set; each sample is in one share, and none is in two.

    The share of an `UntilStopped` stops as that does.
    """
    own = DataLoader(Share(loader.dataset, rank, world_size), batch_size=1, pin_memory=loader.pin_memory)
    return UntilStopped(own, loader.is_stopping) if isinstance(loader, UntilStopped) else own
