"""What is compared: methods, sets and metrics, from an option file or from the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spikereveal_plugin.compare.method_options import RowOptions, parse_row
from spikereveal_plugin.compare.set_options import SetOptions
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import parse_section


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """An option file of `spikereveal compare`; a method or set that is ~ is left out."""

    methods: Mapping[str, Any]
    """sections by label"""
    sets: Mapping[str, Any]
    """sections by label"""
    metrics: Mapping[str, Any] | tuple[str, ...] = ('psnr', 'ssim')
    """sections by name, as `val.metrics`, or a list of names"""
    out: str | None = None
    """folder of results"""
    title: str = 'Comparison'
    """of the page"""
    page_samples: int = 5
    """samples of each set that the page shows"""
    resamples: int = 2000
    """of the bootstrap"""
    seed: int = 0
    """of the bootstrap"""
    device: str = 'cpu'
    """`cpu`, or `cuda` and the like"""
    notes: tuple[str, ...] = ()
    """lines below the table"""

    def __post_init__(self) -> None:
        if not self.methods or not self.sets or not self.metrics:
            raise OptionError('compare: expected at least one method, one set and one metric')
        if self.page_samples < 1 or self.resamples < 100:
            raise OptionError('compare: expected page_samples of 1 or more, and resamples of 100 or more')

    def parsed_methods(self) -> dict[str, RowOptions]:
        """Return each method's section, parsed; those that are ~, such as a base's that is not wanted, are left out.

        Raises:
            OptionError: a section has no known `type`, an option that its type does not have, or names no set.
        """
        parsed = {str(label): parse_row(str(label), s) for label, s in self.methods.items() if s is not None}
        known = [str(label) for label in self.sets]
        for label, row in parsed.items():
            if unknown := sorted(set(row.per_set) - set(known)):
                raise OptionError(f'methods.{label}.per_set: no set is called {unknown[0]!r}; there are: {known}')
        return parsed

    def parsed_sets(self) -> dict[str, SetOptions]:
        """Return each set's section, parsed; those that are ~ are left out.

        Raises:
            OptionError: a section is not as `SetOptions` says.
        """
        parsed = {}
        for label, section in self.sets.items():
            if section is None:
                continue
            options = parse_section(SetOptions, section, f'sets.{label}')
            if options.gt and options.data:
                raise OptionError(f'sets.{label}: gt is a folder of images, data a data set; give one of them')
            parsed[str(label)] = options
        return parsed


def parse_options(opt: Mapping[str, Any]) -> CompareOptions:
    """Parse an option file's content, as `load_options` returns it.

    Raises:
        OptionError: an option is unknown, missing or of another type.
    """
    return parse_section(CompareOptions, opt, 'compare')
