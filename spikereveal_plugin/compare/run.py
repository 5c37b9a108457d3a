"""One comparison from its options to its files."""

import logging
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from spikereveal_plugin.compare.build import build_row
from spikereveal_plugin.compare.cost import Cost, measure
from spikereveal_plugin.compare.folder_method import FolderMethod, FolderOptions
from spikereveal_plugin.compare.methods import RestoredMethod, Row
from spikereveal_plugin.compare.metrics import build_metrics
from spikereveal_plugin.compare.options import CompareOptions
from spikereveal_plugin.compare.report.page import PAGE, Source, write_page
from spikereveal_plugin.compare.report.table import Table, build_table
from spikereveal_plugin.compare.report.writers import TABLES, write_tables
from spikereveal_plugin.compare.score_store import ScoreStore
from spikereveal_plugin.compare.scoring import score_all
from spikereveal_plugin.compare.sets import TestSet, open_set
from spikereveal_plugin.compare.spike_set import SpikeSet
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.formats.inputs import is_input
from spikereveal_plugin.formats.lock import FolderLock
from spikereveal_plugin.formats.own_record import OwnRecord
from spikereveal_plugin.inference.outputs import make_folder
from spikereveal_plugin.models.collective import is_first

_log = logging.getLogger('spikereveal')


def compare(options: CompareOptions, out: Path, *, overwrite: bool = False) -> Table:
    """Score, tabulate and write; what a former run into the same folder scored is taken from there.

    Processes that work together share the scoring; the first one measures costs and writes.

    Args:
        options: methods, sets and metrics.
        out: folder of results, made where absent.
        overwrite: replace tables and a page there that this command did not write, or that were changed since.

    Raises:
        SpikeRevealError: an input is at fault, or a result cannot be written.
    """
    sections = options.parsed_methods()
    build_metrics(options.metrics)
    rows = [build_row(label, section, options.device) for label, section in sections.items()]
    sets = _open_sets(options, rows)
    _refuse_inputs(options, out)
    make_folder(out)
    record, files = OwnRecord(out / 'scores/written.json'), [out / name for name in (*TABLES, PAGE)]
    if not overwrite:
        record.refuse_others(files)
    with FolderLock(out, 'comparing there') if is_first() else nullcontext():
        return _compare_into(out, options, rows, sets, record)


def _compare_into(out: Path, options: CompareOptions, rows: list[Row], sets: list[TestSet], record: OwnRecord) -> Table:
    sections, metrics = options.parsed_methods(), build_metrics(options.metrics)
    scored = score_all(rows, sets, metrics, ScoreStore(out / 'scores'))
    table = build_table(rows, sets, metrics, scored, bootstrap=(options.resamples, options.seed))
    if not is_first():
        return table
    if scored.reused:
        _log.info('%s: %d of %d scores were there already', out, scored.reused, scored.reused + scored.computed)
    given = {
        label: Cost(form.parameters, form.gmacs, protocol='as given')
        for label, section in sections.items()
        if isinstance(form := section.method.options, FolderOptions) and (form.parameters or form.gmacs)
    }
    costs = given | _costs(rows, sets, options.device, out / 'costs')
    table = replace(table, title=options.title, notes=(*options.notes, *table.notes), costs=costs)
    files = write_tables(table, out)
    write_page(table, Source(rows, sets, options.page_samples, out / 'frames'), out / PAGE)
    record.note([*files, out / PAGE])
    return table


def _refuse_inputs(options: CompareOptions, out: Path) -> None:
    """Refuse to write into what is compared.

    Raises:
        OptionError: the folder of results is one that is read, or lies in one.
    """
    rows, sets = options.parsed_methods().values(), options.parsed_sets().values()
    forms = [form for row in rows for form in (row.method, *row.per_set.values()) if form is not None]
    read = [path for form in forms if isinstance(form.options, FolderOptions) for path in form.options.files()]
    read += [Path(root).expanduser() for item in sets for root in (item.gt, item.data) if root]
    if is_input(out, read):
        raise OptionError(f'{out}: lies in a folder that is compared; choose another for the results')


def _open_sets(options: CompareOptions, rows: list[Row]) -> list[TestSet]:
    folders = [method for row in rows for method in row.methods if isinstance(method, FolderMethod)]
    sets: list[TestSet] = []
    for label, section in options.parsed_sets().items():
        own = [method for row in rows if isinstance(method := row.on(label), FolderMethod)]
        first = next((root for method in own if (root := method.root(label))), None)
        sets.append(open_set(label, section, first))
    labels = {str(label) for label in options.sets}
    for method in folders:
        if unknown := sorted(method.set_labels - labels):
            raise OptionError(
                f'methods.{method.label}.path: no set is called {unknown[0]!r}; there are: {sorted(labels)}'
            )
    return sets


def _costs(rows: list[Row], sets: list[TestSet], device: str, folder: Path) -> dict[str, Cost]:
    """Measure the methods that compute, on the first sample of the first data set that they restore."""
    costs: dict[str, Cost] = {}
    for row in rows:
        for test_set in sets:
            method = row.on(test_set.label)
            if isinstance(test_set, SpikeSet) and isinstance(method, RestoredMethod) and not method.is_photo:
                costs[row.label] = measure(method, test_set, device, folder)
                break
    return costs
