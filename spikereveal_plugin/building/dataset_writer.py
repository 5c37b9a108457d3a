"""Write a data set: samples in any order, by any number of processes, in as many runs as it takes."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from spikereveal_plugin.building.assemble import assemble
from spikereveal_plugin.building.exposure_builder import Sample
from spikereveal_plugin.building.partial_set import PartialSet
from spikereveal_plugin.building.sample_records import SampleRecords
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.lmdb_store import LmdbRecord
from spikereveal_plugin.recordings.manifest import SPLITS, BuildPlan, Checksums, read_manifest, write_manifest

_log = logging.getLogger('spikereveal')


class DatasetWriter:
    """Gather samples in `<out>.partial` and give the data set its name when it is whole.

    Use it as a context manager. Whatever ends the block early, samples that were put are kept, and a writer with an
    equal plan finds them again:

        with DatasetWriter(out, plan) as writer:
            for split, sequence, name in wanted:
                if not writer.has(split, sequence, name):
                    writer.put(split, sequence, name, make_sample(sequence, name))
            writer.finish()

    Equal samples give equal bytes, whatever the order they were put in. A data set that is complete already, from an
    equal plan, is left as it is: `has` is always true then.

    Args:
        out: folder of the data set.
        plan: what it is made from.
        overwrite: replace a data set at `out`, or what another command began there; a folder that holds no data set is
            refused all the same.

    Raises:
        SpikeDataError: `out` is in use, another command began it, or the disk is full.
    """

    def __init__(self, out: Path, plan: BuildPlan, *, overwrite: bool = False) -> None:
        self._plan = plan
        self._partial = PartialSet(out, plan.as_json(), overwrite=overwrite)
        self._put: set[tuple[str, str]] = set()
        self._finished: set[tuple[str, str]] = set()
        self.records = SampleRecords(self._partial.records)
        """Where samples go; worker processes put theirs here."""

    def __enter__(self) -> 'DatasetWriter':
        try:
            self._partial.open()
            self._finished = self._keys()
        except BaseException as error:
            self._partial.close()
            self._partial.refuse_full_disk(error)
            raise
        if self._finished:
            _log.info('%s: going on after %d finished samples', self._partial.path, len(self._finished))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._partial.is_published:
            kept = len(self._keys())
            if kept:
                text = '%s keeps %d finished samples; the same command goes on from there'
                _log.info(text, self._partial.path, kept)
            elif not self._partial.is_assembled:
                self._partial.remove()
        self._partial.close()
        self._partial.refuse_full_disk(error)

    def _keys(self) -> set[tuple[str, str]]:
        return {(split, key) for split in SPLITS for key in self.records.finished(split)}

    def has(self, split: str, sequence: str, name: str) -> bool:
        """Whether an earlier run finished this sample."""
        is_done = self._partial.is_published or self._partial.is_assembled
        return is_done or (split, f'{sequence}/{name}') in self._finished

    def put(self, split: str, sequence: str, name: str, sample: Sample) -> None:
        """Store a sample under `<sequence>/<name>` in the split 'train' or 'test'.

        Raises:
            SpikeDataError: the name was put already or cannot be a key, or the sample has another form.
        """
        key = f'{sequence}/{name}'
        if (split, key) in self._put:
            raise SpikeDataError(f'{self._partial.out}: {split} sample {key!r} was put already; names must be unique')
        self.records.put(split, key, sample)
        self._put.add((split, key))

    def finish(self) -> Path:
        """Write the LMDBs and the manifest, and give the data set its name.

        Beside the records, at most one LMDB exists twice on the disk.

        Returns:
            The folder of the data set.

        Raises:
            SpikeDataError: there is no sample, some samples of a split have a sharp image and others not, or a record
                was damaged on the disk.
        """
        partial = self._partial
        if partial.is_published:
            _log.info('%s is complete already; nothing to do', partial.out)
            return partial.out
        if not partial.is_assembled:
            checksums = self.records.checksums()
            _check_contents(partial.out, checksums, is_part=self._plan.is_part)
            assemble(partial.set, checksums, self._source, self._refuse_damaged, self.records.forget)
            write_manifest(partial.set, self._plan.as_json(), checksums)
        partial.publish()
        log_counts(partial.out)
        return partial.out

    def _source(self, split: str, kind: str) -> Callable[[str], LmdbRecord]:
        entries = self.records.entries(split, kind)
        return lambda name: self.records.read(split, kind, name, entries[name][1])

    def _refuse_damaged(self, split: str, kind: str, name: str) -> None:
        key = self.records.entries(split, kind)[name][0]
        self.records.strike(split, key)
        raise SpikeDataError(
            f'{self._partial.path}: the {kind} of {split} sample {key!r} was damaged on the disk; give the same '
            f'command again to make all of it'
        )


def log_counts(out: Path) -> None:
    """Say what a finished data set holds."""
    counts = [f'{counts["samples"]} {split} samples' for split, counts in read_manifest(out)['splits'].items()]
    _log.info('%s: %s', out, ', '.join(counts) or 'no sample falls to this shard')


def _check_contents(out: Path, checksums: Checksums, is_part: bool) -> None:
    if not checksums and not is_part:
        raise SpikeDataError(f'{out}: the data set would hold no sample')
    for split, kinds in checksums.items():
        if 'sharp' in kinds and (lone := kinds['blur'].keys() - kinds['sharp'].keys()):
            raise SpikeDataError(
                f'{out}: {split} sample {min(lone)!r} has no sharp image ({len(lone)} in all), others have; give all '
                'or none'
            )
