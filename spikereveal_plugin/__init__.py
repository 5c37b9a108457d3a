"""SpikeReveal (S-SDM) for BasicSR: sharp sequences from one blurry photo and a spike stream."""

from spikereveal_plugin import _compat

_compat.prepare()

from spikereveal_plugin._version import __version__

__all__ = ['__version__']
