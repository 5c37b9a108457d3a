"""Make this package's classes known to BasicSR, and those of packages that extend it."""

from importlib import import_module

from spikereveal_plugin._compat import check_basicsr_is_the_release
from spikereveal_plugin.errors import EnvironmentProblemError
from spikereveal_plugin.extensions import load_entry_points, name_clash

_REGISTERED = ('archs', 'data', 'losses', 'metrics', 'models')  # importing a module registers its class


def register() -> None:
    """Import every module whose class BasicSR builds by name; a second call does nothing.

    Raises:
        EnvironmentProblemError: `basicsr` is not the release from PyPI, or a package that extends this one fails.
    """
    check_basicsr_is_the_release()
    for name in _REGISTERED:
        try:
            import_module(f'spikereveal_plugin.{name}')
        except AssertionError as error:
            if clash := name_clash(error):
                raise EnvironmentProblemError(f'spikereveal_plugin cannot register its classes: {clash}') from error
            raise
    load_entry_points()
