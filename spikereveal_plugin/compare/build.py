"""From the sections of `methods` to the rows of the table."""

import torch

from spikereveal_plugin._version import __version__
from spikereveal_plugin.compare.folder_method import FolderMethod, FolderOptions
from spikereveal_plugin.compare.method_options import MethodOptions, RowOptions
from spikereveal_plugin.compare.methods import Method, RestoredMethod, Row
from spikereveal_plugin.compare.reading import digest, digest_files, named


def build_row(label: str, options: RowOptions, device: str) -> Row:
    """Make a row.

    Raises:
        SpikeRevealError: a folder or weights are missing or damaged, or an option does not fit.
    """
    where = f'methods.{label}'
    per_set = {
        name: None if section is None else build_method(label, section, device, f'{where}.per_set.{name}')
        for name, section in options.per_set.items()
    }
    return Row(label, build_method(label, options.method, device, where), per_set, options.method.common.group)


def build_method(label: str, method: MethodOptions, device: str, where: str) -> Method:
    """Make a method; `where` names its section in errors.

    Raises:
        SpikeRevealError: its folder or weights are missing or damaged, or an option does not fit.
    """
    options = method.options
    if isinstance(options, FolderOptions):
        return FolderMethod(label, options)
    with named(where):
        restorer = options.build(torch.device(device))
        identity = digest([method.kind, *options.identity(), digest_files(options.files()), __version__])
    return RestoredMethod(label, restorer, identity)
