"""SpikeReveal (S-SDM) for BasicSR: sharp sequences from one blurry photo and a spike stream."""

from spikereveal_plugin import _compat

if _compat.prepare():
    # Importing a module registers its class with BasicSR.
    from spikereveal_plugin import archs, data, losses, metrics, models
    from spikereveal_plugin.inference.deblurrer import Deblurrer
from spikereveal_plugin._version import __version__

__all__ = ['Deblurrer', '__version__', 'archs', 'data', 'losses', 'metrics', 'models']
