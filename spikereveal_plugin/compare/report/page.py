"""`compare.html`: the table, frames and plots on one page that needs no network."""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from tqdm import tqdm

from spikereveal_plugin._version import __version__
from spikereveal_plugin.compare.methods import Method, Row, as_frame
from spikereveal_plugin.compare.report.choose import Picture, crops, page_samples, worst_sample
from spikereveal_plugin.compare.report.pictures import as_picture, jpeg, method_pictures, within_budget
from spikereveal_plugin.compare.report.table import Column, Table
from spikereveal_plugin.compare.report.writers import finite, protocols
from spikereveal_plugin.compare.sets import TestSet
from spikereveal_plugin.compare.spike_set import SpikeSet
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.inference.outputs import writing

PAGE = 'compare.html'
BUDGET = 7_500_000  # characters of all frames; crops, scores and code come on top
SHARP, BLUR = 'Sharp', 'Blurry input'
CROP_QUALITY = 92


@dataclass(frozen=True)
class Source:
    """What the page's pictures are made from: rows, sets, samples of each set, and where frames are kept."""

    rows: Sequence[Row]
    sets: Sequence[TestSet]
    count: int
    folder: Path


def write_page(table: Table, source: Source, path: Path) -> None:
    """Restore the chosen samples where they are not kept from a former run, and write the page.

    Raises:
        SpikeRevealError: an input has become unreadable, or the page cannot be written.
    """
    content = table.as_dict() | {'protocols': protocols(table), 'worst': _worst(table), 'views': _views(table, source)}
    with writing(path):
        write_atomically(path, render(content).encode())


def render(content: Mapping[str, Any]) -> str:
    """Return the page of what `page.js` reads: a table's `as_dict`, with `protocols`, `worst` and `views`."""
    folder = files('spikereveal_plugin.compare.report').joinpath('page')
    text = {name: folder.joinpath(name).read_text(encoding='utf-8') for name in ('page.html', 'page.css')}
    script = '\n'.join(folder.joinpath(name).read_text(encoding='utf-8') for name in ('plots.js', 'page.js'))
    parts = {
        'title': html.escape(str(content['title'])),
        'style': text['page.css'],
        'footer': f'spikereveal_plugin {html.escape(__version__)}',
        'data': json.dumps(finite(dict(content)), allow_nan=False).replace('<', '\\u003c'),
        'script': script.replace("'use strict';\n", '').strip(),
    }
    page = text['page.html']
    for name, part in parts.items():
        before, _, after = page.partition('{{' + name + '}}')
        page = before + part + after if name != 'title' else page.replace('{{title}}', part)
    return page


def _first_columns(table: Table) -> dict[str, Column]:
    """Return the column that samples of each set are chosen by: its first metric."""
    columns: dict[str, Column] = {}
    for column in table.columns:
        columns.setdefault(column.set, column)
    return columns


def _worst(table: Table) -> list[dict[str, Any]]:
    rows = []
    for column in _first_columns(table).values():
        for method in table.ranking(column):
            sample, cell = worst_sample(table, method, column), table.cells[method, column]
            score = {'value': cell.samples[sample or ''], 'mean': cell.mean}
            rows.append({'method': method, 'set': column.set, 'metric': column.metric, 'sample': sample, **score})
    return rows


def _views(table: Table, source: Source) -> list[dict[str, Any]]:
    """Return each chosen sample's pictures, crops and scores."""
    columns = _first_columns(table)
    chosen = [
        (test_set, column, key, reason)
        for test_set in source.sets
        for column in [columns[test_set.label]]
        for key, reason in page_samples(table, column, source.count).items()
    ]
    views, pictures = [], []
    for test_set, column, key, reason in tqdm(chosen, unit='view', desc='page', disable=None):
        ranking = table.ranking(column)
        shown = [m for row in source.rows if row.label in ranking and (m := row.on(test_set.label))]
        frames_of = dict(_pictures(test_set, key, shown, source.folder))
        names = test_set.frames(key)
        middle = len(names) // 2
        still = {label: frames[min(middle, len(frames) - 1)] for label, frames in frames_of.items()}
        cut = crops(still, ranking, ranking[0], SHARP)
        for crop in cut:
            crop['pictures'] = {label: jpeg(part, CROP_QUALITY) for label, part in crop['pictures'].items()}
        scores = {method: table.cells[method, column].frames[key] for method in ranking}
        about = {'set': test_set.label, 'sample': key, 'reason': reason, 'metric': column.metric, 'frames': names}
        views.append({**about, 'middle': middle, 'best': ranking[0], 'scores': scores, 'crops': cut})
        pictures.append(frames_of)
    encoded = within_budget(pictures, BUDGET)
    return [view | {'pictures': addresses} for view, addresses in zip(views, encoded, strict=True)]


def _pictures(
    test_set: TestSet, key: str, methods: Sequence[Method], folder: Path
) -> Iterator[tuple[str, list[Picture]]]:
    """Yield label and frames, or one picture for all times: blur where no method is it, methods, the sharp frames."""
    if isinstance(test_set, SpikeSet) and not any(method.is_photo for method in methods):
        yield BLUR, [as_picture(as_frame(test_set.shot(key).blur))]
    for method in methods:
        yield method.label, method_pictures(method, test_set, key, folder)
    if (sharp := test_set.reference(key)) is not None:
        yield SHARP, [as_picture(frame) for frame in sharp]
