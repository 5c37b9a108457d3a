"""Ending a run by itself once a score of its validation has stopped getting better."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.models.val_options import EarlyStopOptions
from spikereveal_plugin.options import check_choice, parse_section
from spikereveal_plugin.pipelines.checkpoints import check_direction

NAME = 'early_stop.json'


class EarlyStop:
    """`val.early_stop`: the scores of one metric on the first validation set, and whether they say that it is enough.

    The run is over when `patience` validations in a row were not better than the best before them by more than
    `min_delta`. Training states hold the scores, so that a resumed run decides as one that never stopped.

    Raises:
        OptionError: the section has an unknown key or a wrong value, or names no metric of `val.metrics`.
    """

    def __init__(self, opt: Mapping[str, Any]) -> None:
        val = opt.get('val') or {}
        section = val.get('early_stop')
        self.scores: list[tuple[int, float]] = []
        self._options = None if section is None else parse_section(EarlyStopOptions, section, 'val.early_stop')
        if self._options is None:
            return
        self._path = Path(opt['path']['experiments_root'], NAME)
        metrics = val.get('metrics') or {}
        check_choice(self._options.metric, metrics, 'val.early_stop.metric')
        if not val.get('val_freq'):
            raise OptionError('val.early_stop needs val.val_freq, the iterations from one validation to the next')
        self._better = check_direction(
            metrics[self._options.metric], f'val.metrics.{self._options.metric}', 'val.early_stop'
        )

    @property
    def metric(self) -> str | None:
        """The metric that decides, or None where nothing does."""
        return self._options.metric if self._options else None

    def add(self, iteration: int, score: float) -> None:
        """Note the score of an iteration, in place of what was noted from there on."""
        self.scores = [*(entry for entry in self.scores if entry[0] < iteration), (iteration, score)]

    @property
    def is_over(self) -> bool:
        """Whether the last `patience` scores were no better than the best before them."""
        if self._options is None:
            return False
        best, waited = None, 0
        for _, score in self.scores:
            value = score if self._better == 'higher' else -score
            if best is None or value > best + self._options.min_delta:
                best, waited = value, 0
            else:
                waited += 1
        return waited >= self._options.patience

    def save(self) -> None:
        """Write the scores to `early_stop.json` in the experiment's folder, for people and for `spikereveal adapt`."""
        content = {'metric': self.metric, 'better': self._better, 'is_over': self.is_over, 'scores': self.scores}
        write_atomically(self._path, f'{json.dumps(content, indent=1)}\n'.encode())
