"""What is compared: methods, sets and metrics, from an option file or from the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import parse_section
from spikereveal_plugin.weights.registry import list_weights


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """`type: folder`: images that any tool wrote. `path` is one folder, or one for each set by name.

    `parameters` and `gmacs` are what its authors say: they are shown as given, not measured.
    """

    type: Literal['folder']
    path: str | Mapping[str, str]
    parameters: float | None = None
    gmacs: float | None = None


@dataclass(frozen=True, kw_only=True)
class BlurOptions:
    """`type: blur`: a data set's blurry photo, taken for each of its frames."""

    type: Literal['blur']


@dataclass(frozen=True, kw_only=True)
class SdmOptions:
    """`type: sdm`: SDM with bilinear up-sampling (Eq. 8), on short windows of so many readouts."""

    type: Literal['sdm']
    short_window: int = 9


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """`type: network`: a student by its weights, a file or a registered name; the rest is as for `Deblurrer`."""

    type: Literal['network']
    weights: str
    density: float | Literal['auto'] | None = None
    engine: str = 'eager'
    tile: int | None = None


MethodOptions = FolderOptions | BlurOptions | SdmOptions | NetworkOptions
_TYPES: dict[str, type[Any]] = {
    'folder': FolderOptions,
    'blur': BlurOptions,
    'sdm': SdmOptions,
    'network': NetworkOptions,
}


@dataclass(frozen=True, kw_only=True)
class SetOptions:
    """Images to compare with: a folder `gt`, or a split of a data set of this package, `data`; neither: no reference.

    `frames` says which sharp frames of a data set are used: `middle`, or the `sequence` (by default where it has one).
    Where a data set has none, `num_frames` instants are restored, with `window` readouts around each.
    """

    gt: str | None = None
    data: str | None = None
    frames: Literal['middle', 'sequence'] | None = None
    num_frames: int = 7
    window: int = 21


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """An option file of `spikereveal compare`.

    `methods`, `sets` and `metrics` are sections by name (`metrics` as `val.metrics`, or a list of names); `out` is the
    folder of results; `page_samples` is how many samples of each set the page shows; `resamples` and `seed` are the
    bootstrap's.
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

    def __post_init__(self) -> None:
        if not self.methods or not self.sets or not self.metrics:
            raise OptionError('compare: expected at least one method, one set and one metric')
        if self.page_samples < 1 or self.resamples < 100:
            raise OptionError('compare: expected page_samples of 1 or more, and resamples of 100 or more')

    def parsed_methods(self) -> dict[str, MethodOptions]:
        """Return each method's section, parsed.

        Raises:
            OptionError: a section has no known `type`, or an option that its type does not have.
        """
        parsed = {}
        for label, section in self.methods.items():
            where = f'methods.{label}'
            kind = section.get('type') if isinstance(section, Mapping) else None
            if kind not in _TYPES:
                raise OptionError(f'{where}: expected a section with type: {", ".join(_TYPES)}; found {section!r}')
            parsed[str(label)] = parse_section(_TYPES[kind], section, where)
        return parsed

    def parsed_sets(self) -> dict[str, SetOptions]:
        """Return each set's section, parsed.

        Raises:
            OptionError: a section is not as `SetOptions` says.
        """
        parsed = {}
        for label, section in self.sets.items():
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


def methods_from_words(words: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Turn `[LABEL=]WHAT` words into sections; WHAT is blur, sdm, weights (.pth or a name), or a folder.

    Raises:
        OptionError: two methods have one label, or a word names nothing.
    """
    found: dict[str, dict[str, Any]] = {}
    for word in words:
        given, equals, what = word.rpartition('=')
        if not what:
            raise OptionError(f'{word!r}: expected a method after `=`')
        if what in ('blur', 'sdm'):
            section: dict[str, Any] = {'type': what}
        elif what.endswith('.pth') or (what in list_weights() and not Path(what).is_dir()):
            section = {'type': 'network', 'weights': what}
        else:
            section = {'type': 'folder', 'path': what}
        label = given if equals else Path(what).stem if section['type'] == 'network' else Path(what).name or what
        if label in found:
            raise OptionError(f'two methods are called {label!r}; name them: ours={what}')
        found[label] = section
    return found
