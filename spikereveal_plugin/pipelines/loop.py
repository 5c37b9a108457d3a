"""The loop over epochs and iterations, with what happens every so often in it."""

import datetime
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

from basicsr.utils import AvgTimer, MessageLogger
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from spikereveal_plugin.errors import DivergenceError, OptionError, SpikeRevealError
from spikereveal_plugin.models.collective import UntilStopped, ValidationStoppedError, gather, largest
from spikereveal_plugin.pipelines.checkpoints import Checkpoints
from spikereveal_plugin.pipelines.early_stop import EarlyStop
from spikereveal_plugin.pipelines.loaders import TrainData, build_prefetcher
from spikereveal_plugin.pipelines.log import root_logger
from spikereveal_plugin.pipelines.place import Position
from spikereveal_plugin.pipelines.stop import StoppedError, StopRequest


class Loop:
    """Train `model` on `data`, log, validate and save as the options say."""

    def __init__(self, opt: dict[str, Any], model: Any, data: TrainData, tb_logger: Any) -> None:
        self.opt, self.model, self.data, self.tb_logger = opt, model, data, tb_logger
        self.checkpoints, self.early_stop = Checkpoints(opt, model), EarlyStop(opt)
        self.logger = root_logger()
        self.data_timer, self.iter_timer = AvgTimer(), AvgTimer()

    def run(self, place: Position, *, is_validated: bool = True) -> None:
        """Go on from `place` to the end of the run.

        Args:
            place: where to go on; it moves along.
            is_validated: false where the validation of its iteration is still to be done.

        Raises:
            StoppedError: SIGTERM or SIGINT came; the run is saved.
            DivergenceError: a loss is not finite; nothing is saved.
        """
        started, total = time.time(), self.data.total_iter
        self._messages = MessageLogger(self.opt, place.iteration, self.tb_logger)
        self._messages.max_iters = total + 1  # its estimate is an iteration short, and below zero at the end
        is_hidden = None if self.opt['rank'] == 0 else True
        bar = tqdm(desc=self.opt['name'], total=total, initial=place.iteration, unit='it', disable=is_hidden)
        with StopRequest() as stop, bar, logging_redirect_tqdm([self.logger]):
            if not is_validated:
                self._validate(place.iteration, stop)
                (number,) = largest(stop.number)
                if number:
                    raise StoppedError(number, f'at iteration {place.iteration}, whose validation is still to be done')
            for batch in () if self.early_stop.is_over else self._batches(place):
                self.model.update_learning_rate(place.iteration, warmup_iter=self.opt['train'].get('warmup_iter', -1))
                self.model.feed_data(batch)
                self.model.optimize_parameters(place.iteration)
                self.iter_timer.record()
                bar.update()
                self._after(place, batch, stop)
                if self.early_stop.is_over:
                    break
                self.iter_timer.start()
        self.logger.info(f'End of training. Time consumed: {datetime.timedelta(seconds=int(time.time() - started))}')
        self.model.save(epoch=-1, current_iter=-1)
        if self.early_stop.is_over:
            self.logger.info(f'Stopped at iteration {place.iteration}: {self.early_stop.metric} no longer gets better.')
        else:
            self._validate(max(total, place.iteration))  # from here on a signal ends the process: the weights are saved

    def _batches(self, place: Position) -> Iterator[Any]:
        """Move along the run and give the batch of each iteration; every epoch has its own order."""
        prefetcher: Any = None
        sampler = self.data.sampler
        while place.iteration < self.data.total_iter:
            sampler.go_to(place.epoch, place.samples)
            count = min(sampler.remaining, self.data.total_iter - place.iteration)
            if count and prefetcher is None:
                prefetcher = build_prefetcher(self.data, self.opt)
            elif count:
                prefetcher.reset()
            for _ in range(count):
                self.data_timer.start()
                batch = _next(prefetcher)
                self.data_timer.record()
                place.advance(sampler.batch)
                yield batch
            place.next_epoch()

    def _after(self, place: Position, batch: Mapping[str, Any], stop: StopRequest) -> None:
        iteration = place.iteration
        if iteration % self.opt['logger']['print_freq'] == 0:
            times = {'time': self.iter_timer.get_avg_time(), 'data_time': self.data_timer.get_avg_time()}
            rates = {'lrs': self.model.get_current_learning_rate()}
            self._messages({'epoch': place.epoch, 'iter': iteration, **rates, **times, **self.model.get_current_log()})
        number, has_diverged = largest(stop.number, self.opt['rank'] == 0 and not _are_finite(self.model))
        if has_diverged:
            raise DivergenceError(self._divergence(iteration, batch))
        val_freq = (self.opt.get('val') or {}).get('val_freq') or 0
        is_due = val_freq > 0 and iteration % val_freq == 0 and iteration < self.data.total_iter
        is_saved = iteration % self.opt['logger']['save_checkpoint_freq'] == 0
        if is_due and not number:
            if is_saved:  # before a validation, which may fail
                self.checkpoints.save(place, is_validated=False, scores=self.early_stop.scores)
            is_due = not self._validate(iteration, stop)
            (number,) = largest(stop.number)
        if number or self.early_stop.is_over or is_saved:
            self.checkpoints.save(place, is_validated=not is_due, scores=self.early_stop.scores)
        if number:
            raise StoppedError(number, f'at iteration {iteration}, which is saved; --auto_resume goes on from there')

    def _divergence(self, iteration: int, batch: Mapping[str, Any]) -> str:
        losses = gather(dict(self.model.get_current_log()))[0]
        keys = [key for part in gather(_keys(batch)) for key in part]
        rates = ', '.join(f'{rate:.3g}' for rate in self.model.get_current_learning_rate())
        return (
            f'the loss is not finite at iteration {iteration} ({", ".join(f"{k}: {v}" for k, v in losses.items())}), '
            f'learning rate {rates}, samples {", ".join(keys) or "unknown"}; the checkpoints before it are untouched. '
            'Look at these samples, or lower the learning rate and go on with --auto_resume'
        )

    def _validate(self, iteration: int, stop: StopRequest | None = None) -> bool:
        """Validate on every set; returns whether it was done to the end, which a stop prevents."""
        if not self.opt.get('val'):
            return True
        for number, loader in enumerate(self.data.val_loaders):
            samples: Any = UntilStopped(loader, stop.is_asked) if stop else loader
            try:
                self.model.validation(samples, iteration, self.tb_logger, self.opt['val'].get('save_img', False))
            except ValidationStoppedError:
                return False
            if number == 0:
                self.checkpoints.keep_best(samples.dataset.opt['name'], iteration)
                self._note_score(iteration)
        return True

    def _note_score(self, iteration: int) -> None:
        """Tell `val.early_stop` of a validation; of a stock model only the first process has its scores."""
        if (metric := self.early_stop.metric) is None:
            return
        score = gather(getattr(self.model, 'metric_results', {}).get(metric))[0]
        if score is None:
            raise OptionError(f'val.early_stop.metric: the first validation set gave no {metric}')
        self.early_stop.add(iteration, float(score))
        if self.opt['rank'] == 0:
            self.early_stop.save()


def _next(prefetcher: Any) -> Any:
    """The next batch; what a worker says of a sample at fault is one line again, without the worker's traceback."""
    try:
        return prefetcher.next()
    except SpikeRevealError as error:
        last = str(error).strip().splitlines()[-1]
        name = f'{type(error).__module__}.{type(error).__qualname__}: '
        raise type(error)(last.removeprefix(name)) from None


def _are_finite(model: Any) -> bool:
    return all(math.isfinite(value) for value in model.get_current_log().values())


def _keys(batch: Mapping[str, Any]) -> list[str]:
    """The samples of a batch, by the name that BasicSR's data sets give them."""
    named: list[str] = next((batch[key] for key in ('lq_path', 'gt_path', 'key') if key in batch), [])
    return [str(key) for key in named]
