"""Finished samples of an unfinished data set: a file a record, and one more once the sample is whole.

<root>/<split>/<kind>/<key>.<extension>     a record as the LMDB will hold it
<root>/<split>/finished/<key>.json          its checksums; written last, so it says that the sample is whole
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spikereveal_plugin.building.exposure_builder import Sample
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.lmdb_store import LmdbEntry, LmdbRecord
from spikereveal_plugin.formats.names import check_name, is_key
from spikereveal_plugin.formats.spike_lmdb import encode_spikes
from spikereveal_plugin.recordings.image_lmdb import encode_image
from spikereveal_plugin.recordings.manifest import KINDS, SPLITS, Checksums, checksum

_FINISHED = 'finished'


@dataclass(frozen=True)
class SampleRecords:
    """The records below `root`; any number of processes may write, each its own samples.

    Nothing is forced to the disk, since a process that is killed loses no written page: what a power cut loses is
    found by its checksum.
    """

    root: Path

    def put(self, split: str, key: str, sample: Sample, *, keeps_sequence: bool = False) -> None:
        """Keep a sample.

        Args:
            split: train or test.
            key: `<sequence>/<name>`.
            sample: what to keep.
            keeps_sequence: keep its sharp sequence in any split; label-free training needs none, so else the test split
                alone does.

        Raises:
            SpikeDataError: `key` cannot name a sample, or the sample has another form.
        """
        if split not in SPLITS:
            raise SpikeDataError(f'{key!r}: the split {split!r} is neither train nor test')
        if not is_key(check_name(key, str(self.root))):
            raise SpikeDataError(f'{key!r} cannot name a sample; expected <sequence>/<name> without a dot')
        finished: dict[str, dict[str, Any]] = {}
        for kind, records in _encode(key, sample, split == 'test' or keeps_sequence).items():
            finished[kind] = {}
            for name, record in records.items():
                path = self._path(split, kind, name, record.entry)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(record.payload)
                finished[kind][name] = {**asdict(record.entry), 'sha256': checksum(record.payload)}
        path = self._finished(split, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f'.{os.getpid()}.part')
        part.write_text(json.dumps(finished), encoding='utf-8')
        part.replace(path)

    def finished(self, split: str) -> dict[str, dict[str, Any]]:
        """Return, by key in order, each whole sample's records: kind, name, entry and checksum."""
        folder = self.root / split / _FINISHED
        samples = {}
        for path in folder.rglob('*.json'):
            try:
                samples[path.relative_to(folder).with_suffix('').as_posix()] = json.loads(path.read_bytes())
            except ValueError:  # a power cut's
                path.unlink()
        return dict(sorted(samples.items()))

    def checksums(self) -> Checksums:
        """Return the checksum of each record of each whole sample, by split, kind and key in order."""
        sums: Checksums = {}
        for split in SPLITS:
            for sample in self.finished(split).values():
                for kind in (kind for kind in KINDS if kind in sample):
                    stated = {name: record['sha256'] for name, record in sample[kind].items()}
                    sums.setdefault(split, {}).setdefault(kind, {}).update(stated)
        return {
            split: {kind: dict(sorted(sums[split][kind].items())) for kind in KINDS if kind in sums[split]}
            for split in sums
        }

    def entries(self, split: str, kind: str) -> dict[str, tuple[str, LmdbEntry]]:
        """Return, by record, its sample's key and what meta_info.txt will say of it."""
        return {
            name: (key, LmdbEntry(record['extension'], tuple(record['shape']), record['note']))
            for key, sample in self.finished(split).items()
            for name, record in sample.get(kind, {}).items()
        }

    def read(self, split: str, kind: str, name: str, entry: LmdbEntry) -> LmdbRecord:
        """Return a record; its payload is empty where its file is gone."""
        path = self._path(split, kind, name, entry)
        return LmdbRecord(entry, path.read_bytes() if path.is_file() else b'')

    def strike(self, split: str, key: str) -> None:
        """Take a sample from the finished ones, so that it is made again."""
        self._finished(split, key).unlink(missing_ok=True)

    def forget(self, split: str, kind: str) -> None:
        """Remove the records of one kind, once an LMDB holds them."""
        shutil.rmtree(self.root / split / kind, ignore_errors=True)

    def _path(self, split: str, kind: str, name: str, entry: LmdbEntry) -> Path:
        return self.root / split / kind / f'{name}.{entry.extension}'

    def _finished(self, split: str, key: str) -> Path:
        return self.root / split / _FINISHED / f'{key}.json'


def _encode(key: str, sample: Sample, has_sequence: bool) -> Mapping[str, Mapping[str, LmdbRecord]]:
    """Return a sample's records by kind and name."""
    exposure = sample.exposure
    records = {
        'blur': {key: encode_image(sample.blur, 'ppm', f'{key}: blur')},
        'spike': {key: encode_spikes(sample.spikes, exposure.first, exposure.length, f'{key}: spikes')},
    }
    if sample.sharp is not None:
        records['sharp'] = {key: encode_image(sample.sharp, 'png', f'{key}: sharp')}
    if has_sequence and sample.sharp_sequence:
        records['sharp_sequence'] = {
            f'{key}/{readout:03d}': encode_image(frame, 'png', f'{key}: sharp frame at {readout}')
            for readout, frame in sample.sharp_sequence.items()
        }
    return records
