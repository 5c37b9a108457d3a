"""SpikeReveal (S-SDM) for BasicSR: sharp sequences from one blurry photo and a spike stream."""

from spikereveal_plugin import _compat

_compat.prepare()

# Importing a module registers its class with BasicSR.
from spikereveal_plugin import archs, data, losses, metrics, models
from spikereveal_plugin._version import __version__
from spikereveal_plugin.inference.deblurrer import Deblurrer

__all__ = ['Deblurrer', '__version__', 'archs', 'data', 'losses', 'metrics', 'models']
