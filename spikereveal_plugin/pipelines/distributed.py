"""Processes that train together."""

from typing import Any

import torch
import torch.distributed as dist


def gather(item: Any) -> list[Any]:
    """Return the item of every process in the order of their ranks; all processes must call it."""
    if not (dist.is_available() and dist.is_initialized()):
        return [item]
    items: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(items, item)
    return items


def largest(*numbers: int) -> list[int]:
    """Return, for each number, the largest among all processes; all processes must call it."""
    if not (dist.is_available() and dist.is_initialized()):
        return list(numbers)
    device = 'cuda' if dist.get_backend() == 'nccl' else 'cpu'
    tensor = torch.tensor(numbers, device=device)
    dist.all_reduce(tensor, dist.ReduceOp.MAX)
    return [int(number) for number in tensor.tolist()]
