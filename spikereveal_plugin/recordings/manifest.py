"""What a data set was made from and what it holds: `dataset.json`."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spikereveal_plugin._version import __version__
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.text_file import MOST_OF_MANIFEST, read_json

FORMAT_VERSION = 1
MANIFEST = 'dataset.json'
SPLITS = ('train', 'test')
FILES = ('data.mdb', 'meta_info.txt')
ADDED = ('splits', 'files', 'checksums', 'checksum')  # to what the plan states
KINDS = ('blur', 'spike', 'sharp', 'sharp_sequence')

Checksums = dict[str, dict[str, dict[str, str]]]
"""SHA-256 of each record by split, kind and key."""


@dataclass(frozen=True)
class BuildPlan:
    """What a data set is made from: two builds with equal plans give equal bytes.

    Args:
        source: the command, such as `spikereveal data simulate`.
        seed: what all randomness is drawn from.
        parameters: everything else that decides the bytes, the footage included; must fit JSON.
        capture: how the samples were recorded; must fit JSON.
        shard: (i, n), the part i of n, from 1 on, that is made here.
    """

    source: str
    seed: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    capture: Mapping[str, Any] = field(default_factory=dict)
    shard: tuple[int, int] = (1, 1)

    @property
    def is_part(self) -> bool:
        """Whether other shards hold the rest."""
        return self.shard[1] > 1

    def as_json(self) -> dict[str, Any]:
        """Return it as `dataset.json` states it, with the versions that made it."""
        versions = {'spikereveal_plugin': __version__, 'numpy': np.__version__, 'opencv': cv2.__version__}
        stated = {
            'format': FORMAT_VERSION,
            'source': self.source,
            'seed': self.seed,
            'parameters': dict(self.parameters),
            'capture': dict(self.capture),
            'versions': versions | {'torch': version('torch')},
        }
        if self.is_part:
            stated['shard'] = self.shard
        return json.loads(json.dumps(stated))


def differences(begun: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """List what differs between two plans in JSON, such as `parameters.factor is 8, here 16`."""
    first, second = dict(_flat(begun)), dict(_flat(asked))
    return [
        f'{name} is {first.get(name, "absent")}, here {second.get(name, "absent")}'
        for name in sorted(first.keys() | second.keys())
        if first.get(name) != second.get(name)
    ]


def plan_part(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of the plan alone."""
    return {name: value for name, value in manifest.items() if name not in ADDED}


def write_manifest(root: Path, plan: Mapping[str, Any], checksums: Checksums) -> None:
    """Write `dataset.json` into `root`: the plan, counts, and checksums of the files there and of each record."""
    splits = {split: _count(kinds['blur']) for split, kinds in checksums.items()}
    paths = [root / split / f'{kind}.lmdb' / name for split in checksums for kind in checksums[split] for name in FILES]
    files = {path.relative_to(root).as_posix(): file_checksum(path) for path in paths}
    manifest: dict[str, Any] = {**plan, 'splits': splits, 'files': files, 'checksums': checksums}
    manifest['checksum'] = content_checksum(manifest)
    write_atomically(root / MANIFEST, (json.dumps(manifest, indent=2) + '\n').encode())


def content_checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a manifest says, but for its own checksum."""
    said = {name: value for name, value in manifest.items() if name != 'checksum'}
    return checksum(json.dumps(said, sort_keys=True).encode())


def checksum(payload: bytes | memoryview) -> str:
    """Return the SHA-256 of a record's bytes."""
    return hashlib.sha256(payload).hexdigest()


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def read_manifest(root: Path) -> dict[str, Any]:
    """Return what `dataset.json` in `root` says.

    Raises:
        SpikeDataError: there is none, or it is of another format version.
    """
    path = root / MANIFEST
    try:
        manifest = read_json(path, MOST_OF_MANIFEST)
    except SpikeDataError as error:
        raise SpikeDataError(
            f'{path}: no readable manifest ({error}); is {root} a data set made by this tool?'
        ) from None
    version_there = manifest.get('format') if isinstance(manifest, dict) else None
    if version_there != FORMAT_VERSION:
        raise SpikeDataError(f'{path}: format {version_there!r}, expected {FORMAT_VERSION}; build the data set again')
    return manifest


def set_of(path: Path) -> Path:
    """Return the data set that a path belongs to: itself, or one of the two folders above that holds a manifest."""
    folders = (path, *path.absolute().parents[:2])
    return next((folder for folder in folders if (folder / MANIFEST).is_file()), path)


def own_files(root: Path) -> list[Path]:
    """Return the paths, in a data set, of the files that this package wrote there, the manifest last.

    Raises:
        SpikeDataError: its manifest is not of this package.
    """
    manifest = read_manifest(root)
    checksums = manifest.get('checksums')
    if 'spikereveal_plugin' not in (manifest.get('versions') or {}) or not isinstance(checksums, dict):
        raise SpikeDataError(f'{root / MANIFEST} is not of this package, so {root} is not replaced; remove it yourself')
    folders = [Path(split, f'{kind}.lmdb') for split, kinds in checksums.items() for kind in kinds]
    return [*(folder / name for folder in folders for name in (*FILES, 'lock.mdb')), Path(MANIFEST)]


def _count(keys: Mapping[str, str]) -> dict[str, Any]:
    sequences = Counter(key.rpartition('/')[0] for key in sorted(keys))
    return {'samples': len(keys), 'sequences': dict(sequences)}


def _flat(value: Any, name: str = '') -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings by dotted name."""
    if not isinstance(value, Mapping):
        yield name, value
        return
    for key, inner in value.items():
        yield from _flat(inner, f'{name}.{key}' if name else key)
