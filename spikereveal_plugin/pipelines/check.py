"""`--check`: build everything an option file names, do two iterations of each part, leave nothing behind."""

import resource
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from spikereveal_plugin.models.collective import largest, share
from spikereveal_plugin.pipelines.checkpoints import Checkpoints
from spikereveal_plugin.pipelines.loaders import TrainData, build_prefetcher, build_test_loaders, build_train_data
from spikereveal_plugin.pipelines.log import root_logger
from spikereveal_plugin.pipelines.place import Position
from spikereveal_plugin.pipelines.resume import read_state
from spikereveal_plugin.pipelines.setup import build_model_of, prepare_options
from spikereveal_plugin.pipelines.workers import ending_workers

TIMES = 2  # the first of anything is slower
PATIENCE = 20.0  # seconds; a part whose first time took longer is not done twice


@ending_workers()
def check_pipeline(args: Namespace, *, is_train: bool) -> None:
    """Train, validate and save for two iterations, in a temporary folder; say how long each took and the peak memory.

    Raises:
        SpikeRevealError: the options, the data or the weights are at fault.
    """
    opt = prepare_options(args, is_train=is_train)
    data = build_train_data(opt) if is_train else None
    loaders = data.val_loaders if data else build_test_loaders(opt)
    with tempfile.TemporaryDirectory(prefix='basicsr_check_') as folder:
        _write_to(opt, Path(folder))
        model, costs = build_model_of(opt), RunCosts()
        if data:
            costs = _check_training(opt, model, data)
        if opt.get('val') or not is_train:
            costs = replace(costs, validation=_check_validation(opt, model, loaders))
    if data:
        root_logger().info(f'the whole run here: {costs.of_run(opt, data.total_iter)}')
    length = f'; {opt["train"]["total_iter"]} iterations, {data.iters_per_epoch} an epoch' if data else ''
    root_logger().info(f'peak memory {peak_memory()}')
    root_logger().info(f'{args.opt}: nothing at fault{length}')


def _write_to(opt: dict[str, Any], folder: Path) -> None:
    """Point every output of a run at `folder`."""
    for key in ('experiments_root', 'models', 'training_states', 'log', 'visualization', 'results_root'):
        if key in opt['path']:
            opt['path'][key] = str(folder / key)
            Path(opt['path'][key]).mkdir()


@dataclass(frozen=True)
class RunCosts:
    """Seconds that the parts of a run take: a step, a checkpoint, a validation of all sets."""

    step: float = 0.0
    checkpoint: float = 0.0
    validation: float = 0.0

    def of_run(self, opt: Mapping[str, Any], iterations: int) -> str:
        """Say how long a whole run takes, by its parts; data that must be waited for is not known."""
        val_freq = (opt.get('val') or {}).get('val_freq') or 0
        validations = -(-iterations // val_freq) if val_freq else bool(opt.get('val'))
        parts = {
            'training': self.step * iterations,
            'validation': self.validation * validations,
            'checkpoints': self.checkpoint * (1 + iterations // opt['logger']['save_checkpoint_freq']),
        }
        said = ', '.join(f'{name} {_hours(seconds)}' for name, seconds in parts.items())
        return f'about {_hours(sum(parts.values()))} ({said}), and the time that data must be waited for'


def _hours(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _check_training(opt: dict[str, Any], model: Any, data: TrainData) -> RunCosts:
    place = Position(data.sampler.length)
    data.sampler.go_to(0)
    prefetcher = build_prefetcher(data, opt)

    def step() -> None:
        batch = prefetcher.next()
        place.advance(data.sampler.batch)
        model.update_learning_rate(place.iteration, warmup_iter=opt['train'].get('warmup_iter', -1))
        model.feed_data(batch)
        model.optimize_parameters(place.iteration)

    step_time = _time('training step', [step] * min(TIMES, data.iters_per_epoch))
    losses = ', '.join(f'{name} {value:.4g}' for name, value in model.get_current_log().items())
    root_logger().info(f'losses: {losses}')
    checkpoints = Checkpoints(opt, model)

    def save() -> None:
        checkpoints.save(place, is_validated=True)
        if opt['rank'] == 0:
            read_state(Path(opt['path']['training_states'], f'{place.iteration}.state'))

    return RunCosts(step_time, _time('checkpoint', [save] * TIMES))


def _check_validation(opt: dict[str, Any], model: Any, loaders: Iterable[DataLoader[Any]]) -> float:
    """Validate a few samples of each set; return how many seconds all of them would take."""
    total = 0.0
    save_img = opt['val'].get('save_img', False)
    for loader in loaders:
        dataset: Any = loader.dataset
        parts = [share(loader, number, len(dataset)) for number in range(min(TIMES, len(dataset)))]
        validate = model.nondist_validation if opt['dist'] else model.validation  # which some models have alone
        steps = [partial(validate, part, 0, None, save_img) for part in parts]
        seconds = _time(f'validation of a sample of {dataset.opt["name"]} ({len(dataset)})', steps)
        total += seconds * len(dataset) / opt['world_size']
    return total


def _time(name: str, steps: Iterable[Callable[[], None]]) -> float:
    """Do the steps, log how long the last took and return it; stop early where that takes long."""
    times = list(_durations(steps))
    root_logger().info(f'{name}: {times[-1]:.3g} s (first {times[0]:.3g} s{"; done once" if len(times) == 1 else ""})')
    return times[-1]


def _durations(steps: Iterable[Callable[[], None]]) -> Iterator[float]:
    for step in steps:
        started = time.perf_counter()
        step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        yield (duration := time.perf_counter() - started)
        (is_slow,) = largest(duration > PATIENCE)  # all processes stop, or none: they wait for each other in a step
        if is_slow:
            return


def peak_memory() -> str:
    """The largest memory that this process has had, and the GPU's."""
    unit = 1 if sys.platform == 'darwin' else 1024
    peaks = [f'{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9:.2f} GB']
    if torch.cuda.is_available():
        peaks.append(f'{torch.cuda.max_memory_allocated() / 1e9:.2f} GB on the GPU')
    return ', '.join(peaks)
