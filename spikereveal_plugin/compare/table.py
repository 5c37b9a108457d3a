"""The table: rows are methods, columns are sets x metrics, a cell is a mean over samples with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikereveal_plugin.compare.cost import Cost
from spikereveal_plugin.compare.intervals import FEWEST, LEVEL, interval, paired_interval
from spikereveal_plugin.compare.metrics import Metric
from spikereveal_plugin.compare.scoring import Scored
from spikereveal_plugin.compare.sets import TestSet


@dataclass(frozen=True)
class Column:
    """A metric on a set, which way is better, and how its numbers come about."""

    set: str
    metric: str
    better: str
    protocol: str


@dataclass(frozen=True)
class Cell:
    """A mean over samples; `interval` is its bootstrap interval, `to_best` that of the paired difference to the best.

    `samples` holds each sample's score, which is the mean over its frames; `frames` those of the frames.
    """

    mean: float
    samples: Mapping[str, float]
    frames: Mapping[str, Sequence[float]]
    interval: tuple[float, float] | None = None
    to_best: tuple[float, float] | None = None


@dataclass(frozen=True)
class Table:
    """All results. `cells` has an entry for each method and column that was scored."""

    methods: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: Mapping[tuple[str, Column], Cell]
    costs: Mapping[str, Cost] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    title: str = 'Comparison'

    def ranking(self, column: Column) -> list[str]:
        """Methods of a column, best first."""
        scored = [method for method in self.methods if (method, column) in self.cells]
        sign = -1 if column.better == 'higher' else 1
        return sorted(scored, key=lambda method: sign * self.cells[method, column].mean)

    def as_dict(self) -> dict[str, Any]:
        """Return all as JSON holds it."""
        rows = [
            {
                'method': method,
                'set': column.set,
                'metric': column.metric,
                'mean': cell.mean,
                'interval': cell.interval,
                'difference_to_best': cell.to_best,
                'samples': dict(cell.samples),
                'frames': {key: list(values) for key, values in cell.frames.items()},
            }
            for (method, column), cell in self.cells.items()
        ]
        return {
            'title': self.title,
            'methods': list(self.methods),
            'columns': [vars(column) for column in self.columns],
            'scores': rows,
            'costs': {method: vars(cost) for method, cost in self.costs.items()},
            'notes': list(self.notes),
        }


def build_table(
    methods: Sequence[str],
    sets: Sequence[TestSet],
    metrics: Sequence[Metric],
    scored: Scored,
    bootstrap: tuple[int, int],
) -> Table:
    """Average scores over frames, then over samples.

    Args:
        methods: labels, in the order of rows.
        sets: in the order of columns.
        metrics: of each set.
        scored: every frame's score.
        bootstrap: number of resamples, and the seed.
    """
    columns = tuple(
        Column(
            test_set.label,
            metric.name,
            metric.better,
            f'{metric.protocol}; {test_set.protocol}; {len(test_set.keys)} sample(s)',
        )
        for test_set in sets
        for metric in metrics
    )
    keys = {test_set.label: test_set.keys for test_set in sets}
    frames: dict[tuple[str, Column], dict[str, list[float]]] = {}
    for column in columns:
        for method in methods:
            found = {k: scored.frames.get((method, column.set, k, column.metric)) for k in keys[column.set]}
            if all(values is not None for values in found.values()):
                frames[method, column] = {key: list(values or ()) for key, values in found.items()}
    notes = (
        f'Means over samples; a sample is the mean over its frames. Intervals: {LEVEL:.0%} percentile bootstrap over '
        f'samples, {bootstrap[0]} resamples, seed {bootstrap[1]}; none for fewer than {FEWEST}.',
    )
    cells = _cells(methods, columns, frames, bootstrap)
    return Table(tuple(methods), columns, cells, notes=notes)


def _cells(
    methods: Sequence[str],
    columns: Sequence[Column],
    frames: Mapping[tuple[str, Column], dict[str, list[float]]],
    bootstrap: tuple[int, int],
) -> dict[tuple[str, Column], Cell]:
    cells = {}
    for column in columns:
        scores = {
            method: {key: float(np.mean(values)) for key, values in frames[method, column].items()}
            for method in methods
            if (method, column) in frames
        }
        means = {method: float(np.mean(list(samples.values()))) for method, samples in scores.items()}
        if not means:
            continue
        best = (max if column.better == 'higher' else min)(means, key=means.__getitem__)
        for method, samples in scores.items():
            values, others = list(samples.values()), list(scores[best].values())
            to_best = None if method == best else paired_interval(values, others, *bootstrap)
            around = interval(values, *bootstrap)
            cells[method, column] = Cell(means[method], samples, frames[method, column], around, to_best)
    return cells
