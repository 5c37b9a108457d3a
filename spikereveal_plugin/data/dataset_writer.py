"""A data set on disk: one LMDB a kind and split, and `dataset.json`, which says how it was made."""

import json
import logging
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from spikereveal_plugin._version import __version__
from spikereveal_plugin.data.exposure_builder import Capture, Sample
from spikereveal_plugin.data.image_lmdb import ImageLmdbWriter
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdbWriter

FORMAT_VERSION = 1
MANIFEST = 'dataset.json'
SPLITS = ('train', 'test')

_log = logging.getLogger('spikereveal')


class _Split:
    """The open LMDBs of one split; only a split with `has_sequence` keeps the sharp sequences."""

    def __init__(self, root: Path, capture: Capture, stack: ExitStack, has_sequence: bool) -> None:
        self._capture = capture
        self._blur = stack.enter_context(ImageLmdbWriter(root / 'blur.lmdb', kind='ppm'))
        self._spike = stack.enter_context(SpikeLmdbWriter(root / 'spike.lmdb'))
        self._sharp = stack.enter_context(ImageLmdbWriter(root / 'sharp.lmdb', kind='png'))
        self._sequence: ImageLmdbWriter | None = None
        if has_sequence:
            self._sequence = stack.enter_context(ImageLmdbWriter(root / 'sharp_sequence.lmdb', kind='png'))

    def put(self, key: str, sample: Sample) -> None:
        exposure = self._capture.exposure
        self._blur.put(key, sample.blur)
        self._spike.put(key, sample.spikes, exposure.first, exposure.length)
        self._sharp.put(key, sample.sharp)
        if self._sequence is not None:
            for readout, frame in sample.sharp_sequence.items():
                self._sequence.put(f'{key}/{readout:03d}', frame)


class DatasetWriter:
    """Write a data set into `<out>.partial` and give it its name when it is whole.

    Use it as a context manager; leaving it by an error removes what was written.

    Args:
        out: folder of the data set; must not exist, or be empty, unless `overwrite`.
        capture: how the samples were recorded.
        overwrite: replace a data set at `out`; a folder that holds none is refused all the same.

    Raises:
        SpikeDataError: `out` is in use, or a split stayed empty.
    """

    def __init__(self, out: Path, capture: Capture, *, overwrite: bool = False) -> None:
        self._out = out.absolute()
        self._partial = self._out.with_name(f'{self._out.name}.partial')
        self._capture = capture
        self._counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
        _refuse_in_use(self._out, overwrite)
        self._stack = ExitStack()
        self._splits: dict[str, _Split] = {}

    def __enter__(self) -> 'DatasetWriter':
        if self._partial.exists():
            if not self._partial.is_dir() or {entry.name for entry in self._partial.iterdir()} - {*SPLITS, MANIFEST}:
                raise SpikeDataError(f'{self._partial} is in the way and is no unfinished data set; move it elsewhere')
            shutil.rmtree(self._partial)  # what an interrupted run left
        self._partial.mkdir(parents=True)
        with ExitStack() as stack:
            self._splits = {
                split: _Split(self._partial / split, self._capture, stack, has_sequence=split == 'test')
                for split in SPLITS
            }
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stack.__exit__(kind, error, trace)
        finally:
            if self._partial.exists():  # finish() did not rename it
                shutil.rmtree(self._partial)

    def put(self, split: str, sequence: str, name: str, sample: Sample) -> None:
        """Store a sample under `<sequence>/<name>` in the split 'train' or 'test'."""
        self._splits[split].put(f'{sequence}/{name}', sample)
        self._counts[split][sequence] += 1

    def finish(self, source: str, seed: int, parameters: Mapping[str, Any]) -> Path:
        """Write the manifest and give the data set its name.

        Args:
            source: the command that made the data set.
            seed: what its randomness was drawn from.
            parameters: everything else that it was made with; must fit JSON.

        Returns:
            The folder of the data set.
        """
        for split, counts in self._counts.items():
            if not counts:
                raise SpikeDataError(f'{self._out}: the {split} split would hold no sample')
        self._stack.close()
        manifest = {'format': FORMAT_VERSION, 'source': source, 'seed': seed, 'parameters': dict(parameters)}
        manifest['capture'] = _describe(self._capture)
        manifest['versions'] = {'spikereveal_plugin': __version__, 'numpy': np.__version__, 'opencv': cv2.__version__}
        manifest['splits'] = {
            split: {'samples': counts.total(), 'sequences': dict(sorted(counts.items()))}
            for split, counts in self._counts.items()
        }
        (self._partial / MANIFEST).write_text(json.dumps(manifest, indent=2) + '\n', encoding='utf-8')
        if self._out.exists():
            shutil.rmtree(self._out)
        self._partial.rename(self._out)
        _log.info(
            '%s: %s', self._out, ', '.join(f'{counts.total()} {name} samples' for name, counts in self._counts.items())
        )
        return self._out


def read_manifest(root: Path) -> dict[str, Any]:
    """Return what `dataset.json` in `root` says.

    Raises:
        SpikeDataError: there is none, or it is of another format version.
    """
    path = root / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise SpikeDataError(
            f'{path}: no readable manifest ({error}); is {root} a data set made by this tool?'
        ) from None
    found = manifest.get('format') if isinstance(manifest, dict) else None
    if found != FORMAT_VERSION:
        raise SpikeDataError(f'{path}: format {found!r}, expected {FORMAT_VERSION}; build the data set anew')
    return manifest


def _refuse_in_use(out: Path, overwrite: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise SpikeDataError(f'{out} is a file; name a folder for the data set')
    if not any(out.iterdir()):
        return
    if not overwrite:
        raise SpikeDataError(f'{out} is not empty; choose another folder, or replace it with --overwrite')
    if not (out / MANIFEST).is_file():
        raise SpikeDataError(f'{out} is not empty and holds no {MANIFEST}, so it is not replaced; remove it yourself')


def _describe(capture: Capture) -> dict[str, Any]:
    return {
        'num_readouts': capture.num_readouts,
        'exposure_first': capture.exposure.first,
        'exposure_length': capture.exposure.length,
        'ratio': capture.ratio,
        'threshold': capture.camera.threshold,
        'noise': capture.has_noise,
        'sharp_readouts': list(capture.sharp_readouts),
    }
