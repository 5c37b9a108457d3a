"""SpikeReveal (S-SDM) for BasicSR: sharp sequences from one blurry photo and a spike stream."""

from importlib import import_module
from typing import Any

from spikereveal_plugin import _compat
from spikereveal_plugin._version import __version__

_HOMES = {
    'Deblurrer': 'inference.deblurrer',
    'Exposure': 'exposure',
    'load_spikes': 'inference.load_spikes',
}
_MODULES = ('archs', 'data', 'losses', 'metrics', 'models')
__all__ = ['Deblurrer', 'Exposure', '__version__', 'archs', 'data', 'load_spikes', 'losses', 'metrics', 'models']

if _compat.prepare():
    from spikereveal_plugin.registration import register

    register()


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: commands that need no torch do not wait for it."""
    if name in _HOMES:
        return getattr(import_module(f'spikereveal_plugin.{_HOMES[name]}'), name)
    if name in _MODULES:
        return import_module(f'spikereveal_plugin.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
