"""Read every record of one LMDB of a data set, and compare it with the manifest."""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from spikereveal_plugin.building.worker_context import worker_context
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.lmdb_store import LmdbReader
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb
from spikereveal_plugin.recordings.manifest import checksum

Result = TypeVar('Result')


@dataclass
class Records:
    """What was found: problems, and the checksum of each record that can be read."""

    problems: list[str] = field(default_factory=list)
    checksums: dict[str, str] = field(default_factory=dict)


def read_records(path: Path, expected: Mapping[str, str], step: Callable[[], object] = lambda: None) -> Records:
    """Read each record of the LMDB `path`.

    Args:
        path: folder `<kind>.lmdb`.
        expected: checksums by key.
        step: called after each record.
    """
    records = Records()
    try:
        reader = LmdbReader(path)
        store = SpikeLmdb(path) if path.stem == 'spike' else ImageLmdb(path)
        stored = reader.stored_keys()
    except SpikeDataError as error:
        records.problems.append(str(error))
        return records
    listed = set(reader.keys)
    for text, keys in (
        ('is listed in meta_info.txt, but data.mdb lacks it', listed - set(stored)),
        ('is in data.mdb, but meta_info.txt does not list it', set(stored) - listed),
        ('is in the manifest only', expected.keys() - listed - set(stored)),
        ('is not in the manifest', (listed & set(stored)) - expected.keys()),
    ):
        records.problems += [f'{path}: {key!r} {text}' for key in sorted(keys)]
    for key in sorted(listed & set(stored)):
        try:
            store.read(key)
            with reader.open(key) as raw:
                records.checksums[key] = checksum(raw)
        except SpikeDataError as error:
            records.problems.append(str(error))
        else:
            if records.checksums[key] != expected.get(key, records.checksums[key]):
                records.problems.append(f'{path}: {key!r} has another checksum than when it was written')
        step()
    return records


def read_apart(path: Path, expected: Mapping[str, str]) -> Records:
    """Do the same in a process of its own: LMDB trusts its pages, so that damaged ones may end the process."""
    records = apart(read_records, path, expected)
    lost = f'{path}: data.mdb is damaged where LMDB keeps its index, so no record can be read; build it again'
    return records or Records([lost])


def apart(function: Callable[..., Result], *args: Any) -> Result | None:
    """Call a function in a process of its own; None where that process died."""
    with ProcessPoolExecutor(1, worker_context()) as executor:
        try:
            return executor.submit(function, *args).result()
        except BrokenProcessPool:
            return None
