"""Whether a data set is what its manifest says, and fit to train and test on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.inspecting.verify_files import altered, changed, check_manifest, miscounted, misplaced
from spikereveal_plugin.inspecting.verify_records import Records, apart, read_apart, read_records
from spikereveal_plugin.inspecting.verify_samples import SampleCheck, check_sample, look_alikes, outliers, overlaps
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb
from spikereveal_plugin.recordings.layout import Split
from spikereveal_plugin.recordings.manifest import Checksums, read_manifest

_ByKind = Mapping[str, Mapping[str, str]]


@dataclass
class Report:
    """Problems, one a line, and what was looked at."""

    problems: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)


def verify_set(root: Path) -> Report:
    """Check a data set: its files, the bytes and readability of each record, its samples, and train against test.

    Args:
        root: folder of the data set.

    Raises:
        SpikeDataError: it has no manifest to check it by.
    """
    manifest = read_manifest(root)
    check_manifest(root, manifest)
    report = Report([*altered(manifest), *misplaced(root, manifest), *miscounted(manifest)])
    checksums: Checksums = {}
    total = sum(len(keys) for kinds in manifest['checksums'].values() for keys in kinds.values())
    with tqdm(total=total, unit='record', disable=None) as progress:
        for split, kinds in manifest['checksums'].items():
            for kind in kinds:
                records = _read(root, manifest, split, kind, progress)
                report.problems += records.problems
                checksums.setdefault(split, {})[kind] = records.checksums
    looks = {split: _check_safely(root, manifest, split, checksums[split]) for split in checksums}
    for split, seen in looks.items():
        report.problems += [f'{split} sample {key!r}: {text}' for key, text in outliers(seen)]
        report.facts.append(_describe(split, seen, checksums[split]))
    report.problems += overlaps(checksums)
    report.problems += look_alikes(looks.get('train', {}), looks.get('test', {}))
    return report


def _read(root: Path, manifest: Mapping[str, Any], split: str, kind: str, progress: 'tqdm[Any]') -> Records:
    """Read one LMDB's records, apart from this process where its bytes are not those that were written."""
    path, expected = root / split / f'{kind}.lmdb', manifest['checksums'][split][kind]
    if not path.is_dir():
        return Records()  # said to be missing already
    if names := changed(root, manifest, split, kind):
        records = read_apart(path, expected)
        progress.update(len(expected))
        text = f'{path}: {" and ".join(names)} changed since the set was built'
        return Records([text, *records.problems], records.checksums)
    return read_records(path, expected, progress.update)


def _check_safely(root: Path, manifest: Mapping[str, Any], split: str, checksums: _ByKind) -> dict[str, SampleCheck]:
    arguments = root / split, checksums, manifest['capture']
    if any(changed(root, manifest, split, kind) for kind in ('blur', 'spike')):
        return apart(_check, *arguments) or {}
    return _check(*arguments)


def _check(split: Path, checksums: _ByKind, capture: Mapping[str, Any]) -> dict[str, SampleCheck]:
    """Look at each sample whose blur and spikes can be read."""
    keys = sorted(checksums.get('blur', {}).keys() & checksums.get('spike', {}).keys())
    if not keys:
        return {}
    blurs, spikes = ImageLmdb(Split(split).blur), SpikeLmdb(Split(split).spikes)
    linear_light = bool(capture.get('linear_light', False))
    return {
        key: check_sample(blurs, spikes, key, linear_light=linear_light)
        for key in tqdm(keys, unit='sample', desc=split.name, disable=None)
    }


def _describe(split: str, looks: Mapping[str, SampleCheck], checksums: _ByKind) -> str:
    counts = ', '.join(f'{len(keys)} {kind}' for kind, keys in checksums.items())
    values = [look.correlation for look in looks.values() if not np.isnan(look.correlation)]
    if not values:
        return f'{split}: {counts} records read'
    return (
        f'{split}: {counts} records read; blur and firing rate correlate by {min(values):.3f} to {max(values):.3f}, '
        f'median {float(np.median(values)):.3f}'
    )
