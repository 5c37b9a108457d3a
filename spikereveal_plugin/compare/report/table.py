"""The table: rows are methods, columns are sets x metrics, a cell is a mean over samples with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from spikereveal_plugin.compare.cost import Cost
from spikereveal_plugin.compare.methods import RestoredMethod, Row
from spikereveal_plugin.compare.metrics import Metric
from spikereveal_plugin.compare.report.intervals import FEWEST, LEVEL, interval, paired_interval
from spikereveal_plugin.compare.scoring import Scored
from spikereveal_plugin.compare.sets import TestSet


@dataclass(frozen=True)
class Column:
    """A metric on a set, which way is better, how its numbers come about, and what means are taken over."""

    set: str
    metric: str
    better: str
    protocol: str
    average: str = 'samples'

    @property
    def name(self) -> str:
        """Set and metric; of a set without a name, which folders alone are, the metric."""
        return f'{self.set}: {self.metric}' if self.set else self.metric


@dataclass(frozen=True)
class Cell:
    """A mean over samples; `interval` is its bootstrap interval, `to_best` that of the paired difference to the best.

    `samples` holds each sample's score, which is the mean over its frames; `frames` those of the frames; `sequences`
    the mean over the samples of each sequence.
    """

    mean: float
    samples: Mapping[str, float]
    frames: Mapping[str, Sequence[float]]
    interval: tuple[float, float] | None = None
    to_best: tuple[float, float] | None = None

    @property
    def sequences(self) -> dict[str, float]:
        """Means over the samples of each sequence, `seq` of the sample `seq/000019`, in order."""
        return means_of_sequences(self.samples)


def means_of_sequences(samples: Mapping[str, float]) -> dict[str, float]:
    """Return the mean of each sequence's samples; a sample that is in none is one by itself."""
    grouped: dict[str, list[float]] = {}
    for key, value in samples.items():
        grouped.setdefault(key.rpartition('/')[0] or key, []).append(value)
    return {sequence: float(np.mean(values)) for sequence, values in grouped.items()}


@dataclass(frozen=True)
class Table:
    """All results. `cells` has an entry for each method and column that was scored, `groups` the headings of methods.

    Methods of one heading are ranked among themselves.
    """

    methods: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: Mapping[tuple[str, Column], Cell]
    costs: Mapping[str, Cost] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    title: str = 'Comparison'
    groups: Mapping[str, str] = field(default_factory=dict)

    def sections(self) -> dict[str, list[str]]:
        """Methods by heading, in order; the heading of those without one is empty."""
        grouped: dict[str, list[str]] = {}
        for method in self.methods:
            grouped.setdefault(self.groups.get(method, ''), []).append(method)
        return grouped

    def ranking(self, column: Column, group: str | None = None) -> list[str]:
        """Methods of a column, best first; those of one heading, or all."""
        among = self.methods if group is None else self.sections()[group]
        scored = [method for method in among if (method, column) in self.cells]
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
                'sequences': cell.sequences,
                'samples': dict(cell.samples),
                'frames': {key: list(values) for key, values in cell.frames.items()},
            }
            for (method, column), cell in self.cells.items()
        ]
        return {
            'title': self.title,
            'methods': list(self.methods),
            'groups': dict(self.groups),
            'columns': [vars(column) for column in self.columns],
            'scores': rows,
            'costs': {method: vars(cost) for method, cost in self.costs.items()},
            'notes': list(self.notes),
        }


def build_table(
    rows: Sequence[Row], sets: Sequence[TestSet], metrics: Sequence[Metric], scored: Scored, bootstrap: tuple[int, int]
) -> Table:
    """Average scores over frames, then over samples, or over sequences and their samples.

    Args:
        rows: in the order of the table.
        sets: in the order of columns.
        metrics: of each set.
        scored: every frame's score.
        bootstrap: number of resamples, and the seed.
    """
    columns = tuple(
        Column(test_set.label, metric.name, metric.better, f'{metric.protocol}; {_over(test_set)}', test_set.average)
        for test_set in sets
        for metric in metrics
    )
    keys = {test_set.label: test_set.keys for test_set in sets}
    frames: dict[tuple[str, Column], dict[str, list[float]]] = {}
    for column in columns:
        for row in rows:
            scores = {k: scored.frames.get((row.label, column.set, k, column.metric)) for k in keys[column.set]}
            if all(values is not None for values in scores.values()):
                frames[row.label, column] = {key: list(values or ()) for key, values in scores.items()}
    notes = (
        f'Means over samples; a sample is the mean over its frames. Intervals: {LEVEL:.0%} percentile bootstrap over '
        f'samples (over sequences, where the mean is theirs), {bootstrap[0]} resamples, seed {bootstrap[1]}; none for '
        f'fewer than {FEWEST}.',
        *(f'{label}: {remark}.' for label, remark in _remarks(rows).items()),
    )
    groups = {row.label: row.group for row in rows if row.group}
    table = Table(tuple(row.label for row in rows), columns, {}, notes=notes, groups=groups)
    return replace(table, cells=_cells(table, frames, bootstrap))


def _over(test_set: TestSet) -> str:
    mean = f'{len(test_set.keys)} sample(s)'
    if test_set.average == 'sequences':
        mean += f', mean of the means of {len(means_of_sequences(dict.fromkeys(test_set.keys, 0.0)))} sequence(s)'
    return f'{test_set.protocol}; {mean}'


def _remarks(rows: Sequence[Row]) -> dict[str, str]:
    """Return what a reader must know of methods."""
    remarks = {}
    for row in rows:
        of_row = (method.restorer.remark for method in row.methods if isinstance(method, RestoredMethod))
        if different := list(dict.fromkeys(remark for remark in of_row if remark)):
            remarks[row.label] = '; '.join(different)
    return remarks


def _cells(
    table: Table, frames: Mapping[tuple[str, Column], dict[str, list[float]]], bootstrap: tuple[int, int]
) -> dict[tuple[str, Column], Cell]:
    """Return each mean with its interval, and that of its difference to the best of its heading."""
    cells = {}
    for column in table.columns:
        for methods in table.sections().values():
            scores = {
                method: {key: float(np.mean(values)) for key, values in frames[method, column].items()}
                for method in methods
                if (method, column) in frames
            }
            units = {method: _units(column, samples) for method, samples in scores.items()}
            means = {method: float(np.mean(values)) for method, values in units.items()}
            best = (max if column.better == 'higher' else min)(means, key=means.__getitem__) if means else ''
            for method, values in units.items():
                to_best = None if method == best else paired_interval(values, units[best], *bootstrap)
                around = interval(values, *bootstrap)
                cells[method, column] = Cell(means[method], scores[method], frames[method, column], around, to_best)
    return cells


def _units(column: Column, samples: Mapping[str, float]) -> list[float]:
    """Return what the mean is taken over."""
    return list((means_of_sequences(samples) if column.average == 'sequences' else samples).values())
