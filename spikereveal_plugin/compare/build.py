"""From the sections of `methods` to the rows of the table."""

from collections.abc import Mapping
from pathlib import Path

from spikereveal_plugin.compare.arch_rows import arch_row
from spikereveal_plugin.compare.computation import Computation
from spikereveal_plugin.compare.deblur_rows import sdm_row, student_row
from spikereveal_plugin.compare.folder_method import FolderMethod
from spikereveal_plugin.compare.method_options import (
    ArchOptions,
    BlurOptions,
    FolderOptions,
    MethodOptions,
    NetworkOptions,
    OptionFileOptions,
    RowOptions,
    SdmBsnOptions,
    SdmOptions,
    TeacherOptions,
    TfiOptions,
    TfpOptions,
)
from spikereveal_plugin.compare.methods import BlurMethod, ComputedMethod, Method, Row
from spikereveal_plugin.compare.option_file_rows import option_file_row
from spikereveal_plugin.compare.rate_rows import rate_row
from spikereveal_plugin.compare.stage_rows import stage_row
from spikereveal_plugin.errors import OptionError, SpikeDataError


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
    return Row(label, build_method(label, options.method, device, where), per_set, options.method.group)


def build_method(label: str, options: MethodOptions, device: str, where: str) -> Method:
    """Make a method; `where` names its section in errors.

    Raises:
        SpikeRevealError: its folder or weights are missing or damaged, or an option does not fit.
    """
    if isinstance(options, FolderOptions):
        paths = options.path
        if isinstance(paths, Mapping):
            return FolderMethod(label, {str(name): Path(str(path)).expanduser() for name, path in paths.items()})
        return FolderMethod(label, Path(paths).expanduser())
    if isinstance(options, BlurOptions):
        return BlurMethod(label)
    try:
        return ComputedMethod(label, _computation(options, device))
    except (OptionError, SpikeDataError) as error:
        raise type(error)(f'{where}: {error}') from None


def _computation(options: MethodOptions, device: str) -> Computation:
    if isinstance(options, SdmOptions):
        return sdm_row(options)
    if isinstance(options, TfpOptions | TfiOptions):
        return rate_row(options, device)
    if isinstance(options, SdmBsnOptions | TeacherOptions):
        return stage_row(options, device)
    if isinstance(options, NetworkOptions):
        return student_row(options, device)
    if isinstance(options, ArchOptions):
        return arch_row(options, device)
    if isinstance(options, OptionFileOptions):
        return option_file_row(options, device)
    raise OptionError(f'{type(options).__name__} computes no frames')
