"""The LMDBs of a data set, written in one order whatever the order of work, so that equal records give equal bytes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from spikereveal_plugin.formats.lmdb_store import LmdbReader, LmdbRecord, LmdbWriter
from spikereveal_plugin.recordings.manifest import Checksums, checksum


class RecordSource(Protocol):
    """Where the records of one kind of one split come from."""

    def __call__(self, split: str, kind: str) -> Callable[[str], LmdbRecord]:
        """Return a function from a record's key to the record."""


def assemble(
    root: Path,
    checksums: Checksums,
    source: RecordSource,
    on_damage: Callable[[str, str, str], None],
    on_done: Callable[[str, str], None],
) -> None:
    """Write `<root>/<split>/<kind>.lmdb` for each kind; one that an interrupted run finished is kept.

    Args:
        root: folder of the data set.
        checksums: what to write, by split, kind and key.
        source: gives the records.
        on_damage: called with split, kind and key where a record has another checksum; raises.
        on_done: called with split and kind once their LMDB is whole.
    """
    for split, kinds in checksums.items():
        for kind, expected in kinds.items():
            path = root / split / f'{kind}.lmdb'
            if not _is_whole(path, expected):
                read = source(split, kind)
                with LmdbWriter(path) as writer:
                    for key in sorted(expected):
                        record = read(key)
                        if checksum(record.payload) != expected[key]:
                            on_damage(split, kind, key)
                        writer.put_record(key, record)
            on_done(split, kind)


def _is_whole(path: Path, expected: dict[str, str]) -> bool:
    """Whether an earlier run finished this LMDB; what it left of an unfinished one is removed."""
    shutil.rmtree(path.with_name(f'{path.name}.partial'), ignore_errors=True)
    if not path.is_dir():
        return False
    if LmdbReader(path).keys == tuple(sorted(expected)):
        return True
    shutil.rmtree(path)
    return False
