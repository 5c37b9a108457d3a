"""What is compared: methods, sets and metrics, from an option file or from the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from spikereveal_plugin.compare.method_options import RowOptions, parse_row
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import parse_section


@dataclass(frozen=True, kw_only=True)
class SetOptions:
    """Images to compare with: a folder `gt`, or a split of a data set, `data`; neither: no reference.

    `data` has the LMDBs of this package, or the folders of the authors' layout (`blur_data`, `spike_data`, `sharp_data`
    where there is one), for which `exposure` is the first readout of each exposure and their number, and `ratio` the
    image's size over the sensor's. `frames` says which sharp frames are used: `middle`, or the `sequence` (by default
    where it has one). Where there is none, `num_frames` instants are restored, with `window` readouts around each.
    `every: 3` compares each third sample of a data set, for a first look at slow methods.

    `average: sequences` takes the mean over sequences (`seq` of sample `seq/000019`), each the mean over its samples.
    """

    gt: str | None = None
    data: str | None = None
    frames: Literal['middle', 'sequence'] | None = None
    num_frames: int = 7
    window: int = 21
    every: int = 1
    exposure: tuple[int, ...] | None = None
    ratio: int = 4
    average: Literal['samples', 'sequences'] = 'samples'

    def __post_init__(self) -> None:
        if self.every < 1:
            raise OptionError(f'every: expected 1 or more, found {self.every}')


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """An option file of `spikereveal compare`.

    `methods`, `sets` and `metrics` are sections by name (`metrics` as `val.metrics`, or a list of names); `out` is the
    folder of results; `page_samples` is how many samples of each set the page shows; `resamples` and `seed` are the
    bootstrap's; `notes` are lines below the table. A method or set that is ~ is left out.
    """

    methods: Mapping[str, Any]
    sets: Mapping[str, Any]
    metrics: Mapping[str, Any] | tuple[str, ...] = ('psnr', 'ssim')
    out: str | None = None
    title: str = 'Comparison'
    page_samples: int = 5
    resamples: int = 2000
    seed: int = 0
    device: str = 'cpu'
    notes: tuple[str, ...] = ()

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
            if odd := sorted(set(row.per_set) - set(known)):
                raise OptionError(f'methods.{label}.per_set: no set is called {odd[0]!r}; there are: {known}')
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
