"""What a method costs: parameters, multiplications, time and memory, at the size of a set's first sample."""

import ctypes
import gc
import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch

from spikereveal_plugin.compare.complexity import complexity_of, parameters_of
from spikereveal_plugin.compare.methods import RestoredMethod
from spikereveal_plugin.compare.reading import digest
from spikereveal_plugin.compare.spike_set import SpikeSet
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.text_file import read_json
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.shot import Shot

_REPEATS = 3
_STATUS, _RESET = Path('/proc/self/status'), Path('/proc/self/clear_refs')


@dataclass(frozen=True)
class Cost:
    """Parameters; 1e9 multiply-accumulates and seconds a frame; MB above what the process held; how they were found."""

    parameters: float | None = None
    gmacs: float | None = None
    seconds: float | None = None
    megabytes: float | None = None
    protocol: str = ''


def measure(method: RestoredMethod, test_set: SpikeSet, device: str, folder: Path) -> Cost:
    """Measure a method on a set's first sample, or return what a former run measured on this machine.

    Raises:
        SpikeDataError: a former measurement cannot be read.
    """
    key = test_set.keys[0]
    shot, instants = test_set.shot(key, method.photos), test_set.instants(key)
    size = f'{tuple(shot.blur.shape)} {tuple(shot.spikes.shape)} {len(instants)}'
    machine = f'{platform.node()} {platform.machine()} {torch.get_num_threads()} {device} {torch.__version__}'
    path = folder / f'{digest([method.identity, size, machine])[:32]}.json'
    if path.is_file():
        try:
            return Cost(**read_json(path))
        except (ValueError, TypeError) as error:
            raise SpikeDataError(f'{path}: not a readable measurement ({error}); delete it') from None
    seconds, megabytes = _run(method, shot, instants, device)
    calls = method.restorer.calls(shot)
    complexity = complexity_of(*calls) if calls else parameters_of(method.restorer.networks.values())
    height, width = shot.size
    threads = f'{torch.get_num_threads()} thread(s)' if device == 'cpu' else device
    protocol = (
        f'{width} x {height}, {len(instants)} frame(s) from one photo, {threads}, median of {_REPEATS} runs; '
        'GMACs by mmengine (convolutions and matrix products) for one frame'
        + (f'; {complexity.remark}' if complexity.remark else '')
    )
    cost = Cost(complexity.parameters, complexity.gmacs, seconds, megabytes, protocol)
    write_atomically(path, (json.dumps(asdict(cost), indent=1) + '\n').encode())
    return cost


def _run(method: RestoredMethod, shot: Shot, instants: Sequence[int], device: str) -> tuple[float, float | None]:
    """Return seconds a frame, and megabytes at the peak of a run above what was held before it."""

    def once() -> float:
        start = time.perf_counter()
        for _ in restore(method.restorer, shot, instants):
            pass
        return (time.perf_counter() - start) / len(instants)

    is_cuda = device.startswith('cuda')
    _give_back()
    before = _start_peak(is_cuda, device)
    once()  # warms up too
    after = _peak(is_cuda, device)
    seconds = [once() for _ in range(_REPEATS)]
    return median(seconds), None if before is None or after is None else max(0.0, after - before) / 1e6


def _give_back() -> None:
    """Return what was freed to the system, where its C library can; else a run is served from it and looks free."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return


def _start_peak(is_cuda: bool, device: str) -> float | None:
    """Forget the peak so far and return what is held now, in bytes; None where the system cannot."""
    if is_cuda:
        torch.cuda.reset_peak_memory_stats(device)
        return float(torch.cuda.memory_allocated(device))
    if not sys.platform.startswith('linux'):
        return None
    try:
        _RESET.write_text('5')
    except OSError:
        return None
    return _status('VmRSS')


def _peak(is_cuda: bool, device: str) -> float | None:
    return float(torch.cuda.max_memory_allocated(device)) if is_cuda else _status('VmHWM')


def _status(field: str) -> float | None:
    if not _STATUS.is_file():
        return None
    for line in _STATUS.read_text(encoding='utf-8').splitlines():
        if line.startswith(f'{field}:'):
            return float(line.split()[1]) * 1024
    return None
