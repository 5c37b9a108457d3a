"""Processes that train together: their places, where they meet, and who says what went wrong."""

import datetime
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.pipelines.log import root_logger
from spikereveal_plugin.pipelines.watch import Watch

TIMEOUT = datetime.timedelta(hours=2)  # the others wait while the first validates a stock model
SLURM_PORTS = range(15000, 35000)
FAILURES = 'spikereveal_plugin/failures'
_STORES: list[Any] = []  # where the group met; at most one
_WATCHES: list[Watch] = []  # of this process, while it is in the group


@dataclass(frozen=True)
class Member:
    """One process: its number among all of them, how many there are, and its number on its machine."""

    rank: int
    world_size: int
    local_rank: int


def join(launcher: str, local_rank: int | None, num_gpu: int, dist_params: Mapping[str, Any]) -> None:
    """Enter the group of processes that `launcher` started, each on a GPU of its own, or on the CPU.

    Args:
        launcher: pytorch (torchrun) or slurm (srun).
        local_rank: `--local_rank`, which old launchers pass where torchrun sets LOCAL_RANK.
        num_gpu: GPUs of this machine to use; 0 for the CPU, where the backend is gloo.
        dist_params: `backend`, and `port` for SLURM.

    Raises:
        OptionError: the environment is not the launcher's, or a machine has fewer GPUs than processes.
    """
    member = slurm_member(os.environ) if launcher == 'slurm' else torchrun_member(os.environ, local_rank)
    if launcher == 'slurm':
        os.environ.update(slurm_environment(os.environ, dist_params.get('port')))
    backend = dist_params.get('backend') or ('nccl' if num_gpu else 'gloo')
    if num_gpu:
        torch.cuda.set_device(device_index(member.local_rank, num_gpu, launcher))
    elif backend != 'gloo':
        root_logger().warning(f'dist_params.backend: {backend} needs GPUs; processes on a CPU use gloo')
        backend = 'gloo'
    store, _, _ = next(rendezvous('env://', member.rank, member.world_size, timeout=TIMEOUT))
    dist.init_process_group(backend, store=store, rank=member.rank, world_size=member.world_size, timeout=TIMEOUT)
    _STORES[:] = [store]
    _WATCHES[:] = [Watch(lambda: bool(store.check([FAILURES])))]


def torchrun_member(environment: Mapping[str, str], local_rank: int | None) -> Member:
    """Read what torchrun sets.

    Raises:
        OptionError: the command was not started by torchrun.
    """
    known = dict(environment)
    if local_rank is not None:
        known.setdefault('LOCAL_RANK', str(local_rank))
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
        if not known.get(name):
            raise OptionError(
                f'--launcher pytorch: {name} is not set; start with `torchrun --nproc_per_node 2 -m spikereveal_plugin '
                'train -opt ... --launcher pytorch`'
            )
    return Member(*(int(known[name]) for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')))


def slurm_member(environment: Mapping[str, str]) -> Member:
    """Read what srun sets.

    Raises:
        OptionError: the command was not started by srun.
    """
    names = ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID')
    for name in names:
        if not environment.get(name, '').isdigit():
            raise OptionError(f'--launcher slurm: {name} is not set; start with `srun basicsr train ...`')
    return Member(*(int(environment[name]) for name in names))


def slurm_environment(environment: Mapping[str, str], port: int | None) -> dict[str, str]:
    """Where the processes of a SLURM job meet: the job's first node, and a port of the job's own."""
    job = int(environment.get('SLURM_JOB_ID', '0'))
    own = environment.get('MASTER_PORT') or str(SLURM_PORTS[job % len(SLURM_PORTS)])
    nodes = environment.get('SLURM_STEP_NODELIST') or environment.get('SLURM_JOB_NODELIST') or ''
    address = environment.get('MASTER_ADDR') or first_node(nodes or environment.get('SLURM_NODELIST', ''))
    return {'MASTER_ADDR': address, 'MASTER_PORT': str(port) if port else own}


def first_node(nodes: str) -> str:
    """The first host of SLURM's list, such as `gpu03` of `gpu[03-05,9],login`.

    Raises:
        OptionError: the list is empty.
    """
    parts = re.match(r'(?:[^,\[\]]+|\[[^\]]*\])+', nodes.strip())
    if parts is None:
        raise OptionError(f'--launcher slurm: no node in SLURM_JOB_NODELIST {nodes!r}; set MASTER_ADDR')
    return re.sub(r'\[([^\]]*)\]', lambda match: re.split('[-,]', match.group(1))[0], parts.group(0))


def device_index(local_rank: int, num_gpu: int, launcher: str) -> int:
    """The GPU of a process: the one of its number, or the only one that SLURM lets it see.

    Raises:
        OptionError: there are more processes than GPUs.
    """
    if launcher == 'slurm' and num_gpu == 1:
        return 0
    if local_rank >= num_gpu:
        raise OptionError(
            f'this machine has {num_gpu} GPUs for process {local_rank + 1} of it; start {num_gpu} processes a machine'
        )
    return local_rank


def is_first_to_fail() -> bool:
    """Whether no process has failed before this one; to be asked once, by a process that fails.

    Before the processes have met, the first of each machine is: what is wrong then is wrong for all.
    """
    if not _STORES:
        return os.environ.get('LOCAL_RANK', os.environ.get('SLURM_LOCALID', '0')) == '0'
    try:
        return bool(_STORES[0].add(FAILURES, 1) == 1)
    except RuntimeError:  # the process that keeps the store is gone, so it failed first
        return False


def leave() -> None:
    """Leave the group of processes, if this one is in it."""
    if dist.is_available() and dist.is_initialized():
        for watch in _WATCHES:
            watch.stop()
        dist.destroy_process_group()
        _STORES.clear()
        _WATCHES.clear()
