"""Score every method on every sample; what is known from a former run is not computed again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from basicsr.utils.dist_util import get_dist_info
from tqdm import tqdm

from spikereveal_plugin.compare.methods import Method, Row
from spikereveal_plugin.compare.metrics import Metric
from spikereveal_plugin.compare.reading import Frame, digest
from spikereveal_plugin.compare.score_store import ScoreStore
from spikereveal_plugin.compare.sets import TestSet
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.models.collective import gather

ScoreKey = tuple[str, str, str, str]  # method, set, sample, metric


@dataclass
class Scored:
    """A score a frame for each method, set, sample and metric, and how many of them a former run had left."""

    frames: dict[ScoreKey, list[float]] = field(default_factory=dict)
    reused: int = 0
    computed: int = 0


def check_references(metrics: Sequence[Metric], sets: Sequence[TestSet]) -> None:
    """Refuse a metric that compares with a sharp image where a set has none.

    Raises:
        OptionError: naming both.
    """
    for test_set in sets:
        for metric in metrics:
            if metric.needs_reference and not test_set.has_reference:
                raise OptionError(
                    f'metric {metric.name!r} compares with sharp images, and {test_set.label!r} has none; give --gt, '
                    'or use no-reference metrics such as piqe or liqe'
                )


def score_all(rows: Sequence[Row], sets: Sequence[TestSet], metrics: Sequence[Metric], store: ScoreStore) -> Scored:
    """Score all, sample by sample; a row without results for a set is left out there.

    Of processes that work together each takes every N-th sample; all of them return all scores.

    Raises:
        SpikeRevealError: an input is at fault; scores so far are kept.
    """
    check_references(metrics, sets)
    covered = {test_set.label: covering(rows, test_set) for test_set in sets}
    work = [(test_set, key) for test_set in sets for key in test_set.keys]
    rank, world_size = get_dist_info()
    own, scored = work[rank::world_size], Scored()
    total = sum(len(covered[test_set.label]) for test_set, _ in own)
    with tqdm(total=total, unit='sample', disable=None if rank == 0 else True) as progress:
        for test_set, key in own:
            sample = _Sample(test_set, key)
            for method in covered[test_set.label]:
                progress.set_postfix_str(f'{method.label}, {key}', refresh=False)
                _score_sample(method, sample, metrics, store, scored)
                progress.update()
    return merged(gather(scored))


def covering(rows: Sequence[Row], test_set: TestSet) -> list[Method]:
    """Return the methods of rows that have results for a set; raises as `Method.covers`."""
    methods = (row.on(test_set.label) for row in rows)
    return [method for method in methods if method is not None and method.covers(test_set)]


def merged(parts: Sequence[Scored]) -> Scored:
    """Return the scores of all processes as one has them."""
    frames = {key: values for part in parts for key, values in part.frames.items()}
    return Scored(frames, sum(part.reused for part in parts), sum(part.computed for part in parts))


class _Sample:
    """A sample whose sharp frames are read when the first method needs them."""

    def __init__(self, test_set: TestSet, key: str) -> None:
        self.test_set, self.key = test_set, key
        self.digest = test_set.digest(key)
        self._reference: list[Frame] | None = None

    @property
    def reference(self) -> list[Frame] | None:
        if self._reference is None:
            self._reference = self.test_set.reference(self.key)
        return self._reference


def _score_sample(method: Method, work: _Sample, metrics: Sequence[Metric], store: ScoreStore, scored: Scored) -> None:
    identity = sample_digest(method, work.test_set, work.key, work.digest)
    known = store.get(identity)
    names = {metric.name: metric.identity for metric in metrics}
    missing = [metric for metric in metrics if names[metric.name] not in known]
    if missing:
        frames = method.restore(work.test_set, work.key)
        for metric in missing:
            known[names[metric.name]] = _frame_scores(metric, frames, method, work)
        about = {'method': method.label, 'set': work.test_set.label, 'sample': work.key}
        store.put(identity, known, about | {'frames': list(work.test_set.frames(work.key))})
    scored.computed += len(missing)
    scored.reused += len(metrics) - len(missing)
    for metric in metrics:
        scored.frames[method.label, work.test_set.label, work.key, metric.name] = known[names[metric.name]]


def sample_digest(method: Method, test_set: TestSet, key: str, of_sample: str | None = None) -> str:
    """Return the hash of what a method's frames of a sample and their scores depend on."""
    return digest([of_sample or test_set.digest(key), method.digest(test_set, key), str(test_set.frames(key))])


def _frame_scores(metric: Metric, frames: Sequence[Frame], method: Method, work: _Sample) -> list[float]:
    references: Sequence[Frame | None] = work.reference or [None] * len(frames)
    values = []
    for name, frame, reference in zip(work.test_set.frames(work.key), frames, references, strict=True):
        where = f'{method.label!r} on {work.key!r} of {work.test_set.label!r}, frame {name}'
        if reference is not None and frame.shape != reference.shape:
            raise SpikeDataError(f'{where}: sizes differ, {frame.shape} and {reference.shape}')
        values.append(metric.score(frame, reference))
        if math.isnan(values[-1]):
            raise SpikeDataError(f'{where}: {metric.name} is NaN; the metric cannot score this image')
    return values
