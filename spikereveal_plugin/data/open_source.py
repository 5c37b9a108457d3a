"""From the options of a data set to the place that holds its samples."""

from pathlib import Path

from spikereveal_plugin.data.spike_blur_options import SpikeBlurOptions
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.options import check_keys
from spikereveal_plugin.recordings.open_split import warn_of_missing_spikes
from spikereveal_plugin.recordings.sources import FolderSource, LmdbSource, Source


def open_source(options: SpikeBlurOptions, where: str) -> Source:
    """Open the LMDBs or folders that `options` name; `where` names their section in errors.

    Raises:
        OptionError: an option is missing or has no sense.
        SpikeDataError: what lies there is no such data set.
    """
    check_keys(options.io_backend, {'type'}, f'{where}.io_backend')
    blur, spike, sharp, sequence = (
        Path(path).expanduser() if path else None
        for path in (options.dataroot_lq, options.dataroot_spike, options.dataroot_gt, options.dataroot_gt_sequence)
    )
    if blur is None or spike is None:
        raise OptionError(f'{where}: dataroot_lq and dataroot_spike must not be empty')
    if options.io_backend.get('type') == 'lmdb':
        return LmdbSource(blur, spike, sharp, sequence)
    if options.io_backend.get('type') != 'disk':
        raise OptionError(f'{where}.io_backend.type: expected lmdb or disk, found {options.io_backend.get("type")!r}')
    if len(options.exposure) != 2:
        raise OptionError(f'{where}.exposure: expected [first readout, length], found {list(options.exposure)}')
    source = FolderSource(blur, spike, sharp, Exposure(*options.exposure), options.ratio)
    warn_of_missing_spikes(source, where, 'basicsr')
    return source
