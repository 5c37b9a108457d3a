"""Join the shards of one build into the data set that an undivided build would have made, byte for byte."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from spikereveal_plugin.building.assemble import assemble
from spikereveal_plugin.building.dataset_writer import log_counts
from spikereveal_plugin.building.partial_set import PartialSet
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.lmdb_store import LmdbReader, LmdbRecord
from spikereveal_plugin.recordings.manifest import (
    KINDS,
    SPLITS,
    Checksums,
    differences,
    plan_part,
    read_manifest,
    write_manifest,
)

Manifests = dict[Path, dict[str, Any]]


def merge_sets(parts: Sequence[Path], out: Path, *, overwrite: bool = False) -> Path:
    """Join `parts` in `out`; given again after an interruption, it goes on.

    Args:
        parts: folders of all shards of one build, in any order.
        out: folder to make.
        overwrite: replace a data set at `out`.

    Returns:
        The folder of the data set.

    Raises:
        SpikeDataError: a part is none, is of another build, is missing or was damaged, `out` is in use, or the disk is
            full.
    """
    manifests: Manifests = {part: read_manifest(part) for part in parts}
    plan = _common_plan(manifests)
    homes, checksums = _contents(manifests)

    def source(split: str, kind: str) -> Callable[[str], LmdbRecord]:
        readers = {part: LmdbReader(part / split / f'{kind}.lmdb') for part in {*homes[split, kind].values()}}
        return lambda key: _read(readers[homes[split, kind][key]], key)

    def refuse(split: str, kind: str, key: str) -> None:
        part = homes[split, kind][key]
        raise SpikeDataError(f'{part}: the {kind} of {split} sample {key!r} has another checksum; build the part again')

    partial = PartialSet(out, plan, overwrite=overwrite)
    try:
        partial.open()
        if not partial.is_published:
            if not partial.is_assembled:
                assemble(partial.set, checksums, source, refuse, lambda _split, _kind: None)
                write_manifest(partial.set, plan, checksums)
            partial.publish()
    except OSError as error:
        partial.refuse_full_disk(error)
        raise
    finally:
        partial.close()
    log_counts(partial.out)
    return partial.out


def _read(reader: LmdbReader, key: str) -> LmdbRecord:
    with reader.open(key) as raw:
        return LmdbRecord(reader.entries[key], bytes(raw))


def _common_plan(manifests: Manifests) -> dict[str, Any]:
    """Return the plan of the undivided build, which every part must be a different shard of."""
    plans = {part: plan_part(manifest) for part, manifest in manifests.items()}
    places: dict[int, Path] = {}
    first: tuple[Path, dict[str, Any]] | None = None
    for part, plan in plans.items():
        index, count = plan.pop('shard', (0, 0))
        if not count:
            raise SpikeDataError(f'{part} is a whole data set, not a part made with --shard')
        first = first or (part, plan | {'shards': count})
        if differing := differences(first[1], plan | {'shards': count}):
            raise SpikeDataError(f'{part} and {first[0]} are parts of different builds: in {first[0]} {differing[0]}')
        if index in places:
            raise SpikeDataError(f'{part} and {places[index]} are both shard {index}/{count}; name each once')
        places[index] = part
    if first is None:
        raise SpikeDataError('no part was named; give the folders of all shards')
    count = first[1].pop('shards')
    if missing := sorted(set(range(1, count + 1)) - places.keys()):
        raise SpikeDataError(f'shard {missing[0]}/{count} is missing ({len(missing)} in all); build it, or name it too')
    return first[1]


def _contents(manifests: Manifests) -> tuple[dict[tuple[str, str], dict[str, Path]], Checksums]:
    """Return which part holds each record, by split and kind, and the checksums of all."""
    homes: dict[tuple[str, str], dict[str, Path]] = {}
    checksums: Checksums = {}
    for split in SPLITS:
        for kind in KINDS:
            contents: dict[str, str] = {}
            for part, manifest in manifests.items():
                held = manifest['checksums'].get(split, {}).get(kind, {})
                if twice := contents.keys() & held.keys():
                    raise SpikeDataError(f'{part}: another part holds {split} sample {min(twice)!r} too')
                contents |= held
                homes.setdefault((split, kind), {}).update(dict.fromkeys(held, part))
            if contents:
                checksums.setdefault(split, {})[kind] = dict(sorted(contents.items()))
    return homes, checksums
