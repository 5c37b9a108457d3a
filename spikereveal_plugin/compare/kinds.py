"""Every kind of method by the word that users type: all restorers, and folders of images."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from spikereveal_plugin import restorers
from spikereveal_plugin.compare import option_file  # noqa: F401  (registers itself, as those below)
from spikereveal_plugin.compare.folder_method import FolderOptions
from spikereveal_plugin.inference import arch, pretrained  # noqa: F401
from spikereveal_plugin.restorers.kinds import KINDS, RestorerOptions

FOLDER = 'folder'
for _module in iter_modules(restorers.__path__):  # a file a kind
    import_module(f'{restorers.__name__}.{_module.name}')


def kinds() -> Mapping[str, type[RestorerOptions] | type[FolderOptions]]:
    """The options of each kind by its word."""
    return {FOLDER: FolderOptions, **KINDS}
