"""The old place of `spikereveal_plugin.exposure`, for one more release."""

import warnings

from spikereveal_plugin.exposure import Exposure

__all__ = ['Exposure']

warnings.warn(
    'spikereveal_plugin.physics.exposure is now spikereveal_plugin.exposure; this name goes with the next release',
    DeprecationWarning,
    stacklevel=2,
)
