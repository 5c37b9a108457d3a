"""The one way to open a split of a data set."""

import logging
from pathlib import Path

from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.recordings.layout import FOLDERS, LMDBS, SPLITS, find_split_of
from spikereveal_plugin.recordings.sources import FolderSource, LmdbSource, Source


def open_split(
    root: Path, exposure: Exposure | None = None, ratio: int = RATIO, names: tuple[str, ...] = SPLITS[::-1]
) -> Source:
    """Open a split, with its sharp images where there are some.

    Args:
        root: with `blur.lmdb` and `spike.lmdb`, or with the authors' `blur_data` and `spike_data`; also a folder above
            or below it, see `find_split_of`.
        exposure: of every photo of the authors' layout; LMDBs say it themselves.
        ratio: the image's size over the sensor's in the authors' layout.
        names: which split of a data set's root is meant, the first that is there.

    Raises:
        SpikeDataError: nothing readable lies there, or `exposure` is missing or too much.
    """
    split = find_split_of(root, *names)
    if split is None:
        raise SpikeDataError(
            f'{root}: expected a data set or a split of one, with {LMDBS.blur} and {LMDBS.spikes}, or with the folders '
            f'{FOLDERS.blur} and {FOLDERS.spikes}'
        )
    if split.layout is LMDBS:
        if exposure is not None:
            raise SpikeDataError(f'exposure: the records of {root} say it; leave it out')
        return LmdbSource(split.blur, split.spikes, split.sharp, split.sharp_sequence)
    if exposure is None:
        raise SpikeDataError(f'exposure: expected the first readout of each exposure and their number for {root}')
    source = FolderSource(split.blur, split.spikes, split.sharp, exposure, ratio)
    warn_of_missing_spikes(source, str(split.blur))
    return source


def warn_of_missing_spikes(source: FolderSource, where: str, log: str = 'spikereveal') -> None:
    """Say which photos of the authors' layout are left out."""
    if source.without_spikes:
        logging.getLogger(log).warning(
            '%s: %d photo(s) without spikes are left out, such as %s (the authors release none for the first of a '
            'sequence)',
            *(where, len(source.without_spikes), source.without_spikes[0]),
        )
