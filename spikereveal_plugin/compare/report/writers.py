"""The table as CSV, JSON, Markdown and LaTeX."""

import csv
import io
import json
import math
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from spikereveal_plugin.compare.cost import Cost
from spikereveal_plugin.compare.report.table import Cell, Column, Table
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.one_line import one_line
from spikereveal_plugin.inference.outputs import writing

COSTS: tuple[tuple[str, Callable[[Cost], float | None], str], ...] = (
    ('Parameters [M]', lambda cost: None if cost.parameters is None else cost.parameters / 1e6, '.3f'),
    ('GMACs', lambda cost: cost.gmacs, '.2f'),
    ('Time [s/frame]', lambda cost: cost.seconds, '.3f'),
    ('Memory [MB]', lambda cost: cost.megabytes, '.0f'),
)


def write_tables(table: Table, out: Path) -> list[Path]:
    """Write `compare.csv`, `.json`, `.md`, `.tex`, `compare_sequences.csv`, `compare_samples.csv`; return their paths.

    Raises:
        OutputError: one cannot be written.
    """
    for name, content in TABLES.items():
        with writing(out / name):
            write_atomically(out / name, content(table).encode())
    return [out / name for name in TABLES]


def as_json(table: Table) -> str:
    """Return all of it."""
    return json.dumps(finite(table.as_dict()), indent=1, allow_nan=False) + '\n'


def finite(value: Any) -> Any:
    """Return JSON's form of a value: infinite numbers (the PSNR of equal images) are the text `inf`."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def as_csv(table: Table) -> str:
    """Return a row a method: heading, the mean and the ends of the interval of each column, then the costs."""
    head = ['method', 'group']
    for column in table.columns:
        name = f'{column.set} {column.metric}'.strip()
        head += [name, f'{name} low', f'{name} high']
    rows: list[list[Any]] = [[*head, *(name for name, _, _ in COSTS)]]
    for method in table.methods:
        row: list[Any] = [method, table.groups.get(method, '')]
        for column in table.columns:
            cell = table.cells.get((method, column))
            row += ['', '', ''] if cell is None else [cell.mean, *(cell.interval or ('', ''))]
        cost = table.costs.get(method, Cost())
        rows.append([*row, *('' if (value := of(cost)) is None else value for _, of, _ in COSTS)])
    return _csv(rows)


def as_sequences_csv(table: Table) -> str:
    """Return a row a sequence: method, set, metric, sequence, mean over its samples."""
    rows: list[list[Any]] = [['method', 'set', 'metric', 'sequence', 'value']]
    for (method, column), cell in table.cells.items():
        rows += [[method, column.set, column.metric, name, value] for name, value in cell.sequences.items()]
    return _csv(rows)


def as_samples_csv(table: Table) -> str:
    """Return a row a score: method, set, metric, sample, frame's place in time, value."""
    rows: list[list[Any]] = [['method', 'set', 'metric', 'sample', 'frame', 'value']]
    for (method, column), cell in table.cells.items():
        for sample, values in cell.frames.items():
            rows += [[method, column.set, column.metric, sample, i, value] for i, value in enumerate(values)]
    return _csv(rows)


def _csv(rows: list[list[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator='\n').writerows([_plain(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def _plain(cell: Any) -> Any:
    """Return a cell that a spreadsheet shows: text that it would take for a formula begins with an apostrophe."""
    if not isinstance(cell, str):
        return cell
    text = one_line(cell)
    return f"'{text}" if text.startswith(('=', '+', '-', '@')) else text


def digits(column: Column) -> int:
    """Decimals that a metric is printed with: two for dB, four for others."""
    return 2 if 'psnr' in column.metric.lower() else 4


def cell_text(column: Column, cell: Cell | None) -> str:
    """Return `mean [low, high]`, or a dash."""
    if cell is None:
        return '-'
    places = digits(column)
    around = '' if cell.interval is None else f' [{cell.interval[0]:.{places}f}, {cell.interval[1]:.{places}f}]'
    return f'{cell.mean:.{places}f}{around}'


def _shown_costs(table: Table) -> list[tuple[str, Callable[[Cost], float | None], str]]:
    return [entry for entry in COSTS if any(entry[1](cost) is not None for cost in table.costs.values())]


def as_markdown(table: Table) -> str:
    """Return a table whose best means (under each heading) are bold; sequences, where means are theirs; protocols."""
    costs = _shown_costs(table)
    names = [f'{_escape(column.name)} {_arrow(column)}' for column in table.columns]
    lines = [['method', *names, *(name for name, _, _ in costs)]]
    lines.append(['---'] * len(lines[0]))
    for heading, methods in table.sections().items():
        lines += [[f'**{_escape(heading)}**', *[''] * (len(lines[0]) - 1)]] if heading else []
        best = {column: table.ranking(column, heading)[:1] for column in table.columns}
        for method in methods:
            row = [_escape(method)]
            for column in table.columns:
                text = cell_text(column, table.cells.get((method, column)))
                mean, space, around = text.partition(' ')
                row.append(f'**{mean}**{space}{around}' if method in best[column] else text)
            cost = table.costs.get(method, Cost())
            lines.append([*row, *('-' if (value := of(cost)) is None else f'{value:{form}}' for _, of, form in costs)])
    parts = [f'# {one_line(table.title)}', _pipes(lines), *_sequence_tables(table)]
    return '\n\n'.join([*parts, '\n'.join(f'- {line}' for line in protocols(table))]) + '\n'


def _sequence_tables(table: Table) -> list[str]:
    """Return a table of sequences and their mean for each column whose mean is theirs."""
    tables = []
    for column in table.columns:
        cells = {method: cell for method in table.methods if (cell := table.cells.get((method, column)))}
        if column.average != 'sequences' or not cells:
            continue
        names = list(next(iter(cells.values())).sequences)
        lines = [[f'{_escape(column.name)} {_arrow(column)}', *map(_escape, names), 'mean']]
        lines.append(['---'] * len(lines[0]))
        for method, cell in cells.items():
            values = (*cell.sequences.values(), cell.mean)
            lines.append([_escape(method), *(f'{value:.{digits(column)}f}' for value in values)])
        tables.append(_pipes(lines))
    return tables


def _pipes(lines: list[list[str]]) -> str:
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def protocols(table: Table) -> list[str]:
    """Return how each column and cost came about, one line each, and the notes."""
    lines = [f'{column.name} ({column.better} is better): {column.protocol}' for column in table.columns]
    told: dict[str, list[str]] = {}
    for method, cost in table.costs.items():
        told.setdefault(cost.protocol, []).append(method)
    lines += [f'Cost of {", ".join(methods)}: {protocol}' for protocol, methods in told.items()]
    return [one_line(line) for line in (*lines, *table.notes)]


def as_latex(table: Table) -> str:
    """Return a booktabs tabular, columns by set, rows by heading; best means bold, second ones underlined."""
    costs = _shown_costs(table)
    arrows = {'higher': r'$\uparrow$', 'lower': r'$\downarrow$'}
    head = ['Method', *(f'{_tex(column.metric)} {arrows[column.better]}' for column in table.columns)]
    head += [_tex(name) for name, _, _ in costs]
    sets = [(name, len(list(group))) for name, group in groupby(table.columns, lambda column: column.set)]
    over = ['', *(rf'\multicolumn{{{count}}}{{c}}{{{_tex(name)}}}' for name, count in sets), *[''] * len(costs)]
    lines = [f'% {line}' for line in protocols(table)]
    lines += [rf'\begin{{tabular}}{{l{"c" * (len(head) - 1)}}}', r'\toprule', ' & '.join(over) + r' \\']
    lines += [' & '.join(head) + r' \\']
    for heading, methods in table.sections().items():
        lines.append(r'\midrule')
        lines += [rf'\multicolumn{{{len(head)}}}{{l}}{{\emph{{{_tex(heading)}}}}} \\'] if heading else []
        order = {column: table.ranking(column, heading) for column in table.columns}
        for method in methods:
            row = [_tex(method)]
            row += [_tex_cell(c, table.cells.get((method, c)), order[c].index, method) for c in table.columns]
            cost = table.costs.get(method, Cost())
            row += ['--' if (value := of(cost)) is None else f'{value:{form}}' for _, of, form in costs]
            lines.append(' & '.join(row) + r' \\')
    return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}', ''])


def _tex_cell(column: Column, cell: Cell | None, place: Callable[[str], int], method: str) -> str:
    if cell is None:
        return '--'
    text = r'$\infty$' if math.isinf(cell.mean) else f'{cell.mean:.{digits(column)}f}'
    return {0: rf'\textbf{{{text}}}', 1: rf'\underline{{{text}}}'}.get(place(method), text)


def _tex(text: str) -> str:
    special = {'\\': r'\textbackslash{}', '~': r'\textasciitilde{}', '^': r'\textasciicircum{}'}
    return ''.join(special.get(c, f'\\{c}' if c in '&%$#_{}' else c) for c in one_line(text))


def _escape(text: str) -> str:
    return one_line(text).replace('|', r'\|')


def _arrow(column: Column) -> str:
    return '↑' if column.better == 'higher' else '↓'


TABLES: Final[dict[str, Callable[[Table], str]]] = {
    'compare.csv': as_csv,
    'compare_sequences.csv': as_sequences_csv,
    'compare_samples.csv': as_samples_csv,
    'compare.json': as_json,
    'compare.md': as_markdown,
    'compare.tex': as_latex,
}
"""What is written, by name."""
