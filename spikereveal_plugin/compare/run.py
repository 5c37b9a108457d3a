"""One comparison from its options to its files."""

import logging
from dataclasses import replace
from pathlib import Path

from spikereveal_plugin.compare.cost import Cost, measure
from spikereveal_plugin.compare.methods import DeblurMethod, FolderMethod, Method, build_method
from spikereveal_plugin.compare.metrics import build_metrics
from spikereveal_plugin.compare.options import CompareOptions, FolderOptions
from spikereveal_plugin.compare.page import Source, write_page
from spikereveal_plugin.compare.score_store import ScoreStore
from spikereveal_plugin.compare.scoring import score_all
from spikereveal_plugin.compare.sets import SpikeSet, TestSet, open_set
from spikereveal_plugin.compare.table import Table, build_table
from spikereveal_plugin.compare.writers import write_tables
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.outputs import make_folder

_log = logging.getLogger('spikereveal')


def compare(options: CompareOptions, out: Path) -> Table:
    """Score, tabulate and write; what a former run into the same folder scored is taken from there.

    Args:
        options: methods, sets and metrics.
        out: folder of results, made where absent.

    Raises:
        SpikeRevealError: an input is at fault, or a result cannot be written.
    """
    wanted = options.parsed_methods()
    metrics = build_metrics(options.metrics)
    methods = [build_method(label, section, options.device) for label, section in wanted.items()]
    sets = _open_sets(options, methods)
    make_folder(out)
    scored = score_all(methods, sets, metrics, ScoreStore(out / 'scores'))
    if scored.reused:
        _log.info('%s: %d of %d scores were there already', out, scored.reused, scored.reused + scored.computed)
    table = build_table(list(wanted), sets, metrics, scored, bootstrap=(options.resamples, options.seed))
    given = {
        label: Cost(section.parameters, section.gmacs, protocol='as given')
        for label, section in wanted.items()
        if isinstance(section, FolderOptions) and (section.parameters or section.gmacs)
    }
    table = replace(table, title=options.title, costs=given | _costs(methods, sets, options.device, out / 'costs'))
    write_tables(table, out)
    write_page(table, Source(methods, sets, options.page_samples, out / 'frames'), out / 'compare.html')
    return table


def _open_sets(options: CompareOptions, methods: list[Method]) -> list[TestSet]:
    folders = [method for method in methods if isinstance(method, FolderMethod)]
    sets: list[TestSet] = []
    for label, section in options.parsed_sets().items():
        first = next((root for method in folders if (root := method.root(label))), None)
        sets.append(open_set(label, section, first))
    labels = {test_set.label for test_set in sets}
    for method in folders:
        if odd := sorted(method.set_labels - labels):
            raise OptionError(f'methods.{method.label}.path: no set is called {odd[0]!r}; there are: {sorted(labels)}')
    return sets


def _costs(methods: list[Method], sets: list[TestSet], device: str, folder: Path) -> dict[str, Cost]:
    """Measure the methods that compute, on the first sample of the first data set."""
    test_set = next((test_set for test_set in sets if isinstance(test_set, SpikeSet)), None)
    if test_set is None:
        return {}
    computing = [method for method in methods if isinstance(method, DeblurMethod)]
    if not computing:
        return {}
    shot = test_set.shot(test_set.keys[0])
    return {method.label: measure(method, shot, device, folder) for method in computing}
