"""Check that a data set's folders hold the files that its manifest names, with the bytes that were written."""

import fnmatch
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.recordings.manifest import ADDED, FILES, MANIFEST, content_checksum, file_checksum

STATED = {*ADDED, 'format', 'source', 'seed', 'parameters', 'capture', 'versions', 'shard'}
KNOWN_BESIDE = ('teacher*.lmdb', 'teacher*.lmdb.*')  # caches that training keeps beside the data


def check_manifest(root: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a manifest that states too little to verify by.

    Raises:
        SpikeDataError: it lacks the checksums.
    """
    for name in ('splits', 'files', 'checksums', 'capture'):
        if not isinstance(manifest.get(name), dict):
            raise SpikeDataError(
                f'{root / MANIFEST} states no {name}; an earlier version wrote it: build the set again'
            )


def altered(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield that a manifest is not as it was written; earlier versions wrote none that could tell."""
    unknown = manifest.keys() - STATED
    if unknown or manifest.get('checksum', content_checksum(manifest)) != content_checksum(manifest):
        yield f'{MANIFEST} is not as it was written{": " if unknown else ""}{", ".join(sorted(unknown))}'


def misplaced(root: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield each file or folder that is missing or that the manifest does not name."""
    contents = manifest['checksums']
    yield from _compare(root, {MANIFEST, *contents}, set())
    for split, kinds in contents.items():
        if not (root / split).is_dir():
            continue
        yield from _compare(root / split, {f'{kind}.lmdb' for kind in kinds}, set())
        for kind in kinds:
            if (root / split / f'{kind}.lmdb').is_dir():
                yield from _compare(root / split / f'{kind}.lmdb', set(FILES), {'lock.mdb'})


def changed(root: Path, manifest: Mapping[str, Any], split: str, kind: str) -> list[str]:
    """Return the names of an LMDB's files whose bytes are not those that were written."""
    folder = root / split / f'{kind}.lmdb'
    stated = {name: manifest['files'].get(f'{split}/{kind}.lmdb/{name}') for name in FILES}
    return [name for name in FILES if (folder / name).is_file() and stated[name] != file_checksum(folder / name)]


def miscounted(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the manifest contradicts itself."""
    for split, kinds in manifest['checksums'].items():
        stated, listed = manifest['splits'].get(split, {}).get('samples'), len(kinds.get('blur', {}))
        if stated != listed:
            yield f'{MANIFEST}: {split} is said to hold {stated} samples, but {listed} are listed'
        for kind in ('spike', 'sharp'):
            lone = kinds.get('blur', {}).keys() ^ kinds.get(kind, kinds.get('blur', {})).keys()
            if lone:
                yield f'{MANIFEST}: {split} sample {min(lone)!r} is in only one of blur and {kind} ({len(lone)} such)'


def _compare(folder: Path, expected: set[str], optional: set[str]) -> Iterator[str]:
    present = {entry.name for entry in folder.iterdir()}
    for name in sorted(expected - present):
        yield f'{folder / name} is missing'
    for name in sorted(present - expected - optional):
        if not any(fnmatch.fnmatch(name, pattern) for pattern in KNOWN_BESIDE):
            yield f'{folder / name} does not belong to the data set'
