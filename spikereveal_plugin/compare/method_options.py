"""The section of a method in an option file, one dataclass for each `type`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import parse_section

Density = float | Literal['auto']


@dataclass(frozen=True, kw_only=True)
class MethodOptions:
    """What every method may say.

    `group` is the heading it stands under in the table. `train` names option files of `basicsr train`, in order, that
    make its weights: `--train` runs those whose weights are absent.
    """

    group: str | None = None
    train: str | tuple[str, ...] | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """The option files of `train`, in order."""
        return (self.train,) if isinstance(self.train, str) else self.train or ()


@dataclass(frozen=True, kw_only=True)
class DensityOptions(MethodOptions):
    """`density: auto` brings each sample's spikes to the density of `trained_threshold` before a network sees them.

    A number makes them so many times as dense; 1.0 leaves them as they are.
    """

    density: Density = 1.0
    trained_threshold: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (('density', self.density), ('trained_threshold', self.trained_threshold)):
            if value != 'auto' and not 0 < value < math.inf:
                raise OptionError(
                    f'{name}: expected a positive number{" or auto" * (name == "density")}, found {value}'
                )


@dataclass(frozen=True, kw_only=True)
class FolderOptions(MethodOptions):
    """`type: folder`: images that any tool wrote. `path` is one folder, or one for each set by name.

    `parameters` and `gmacs` are what its authors say: they are shown as given, not measured.
    """

    type: Literal['folder']
    path: str | Mapping[str, str]
    parameters: float | None = None
    gmacs: float | None = None


@dataclass(frozen=True, kw_only=True)
class BlurOptions(MethodOptions):
    """`type: blur`: a data set's blurry photo, taken for each of its frames."""

    type: Literal['blur']


@dataclass(frozen=True, kw_only=True)
class SdmOptions(MethodOptions):
    """`type: sdm`: SDM with bilinear up-sampling (Eq. 8, row I-1), on short windows of so many readouts.

    With `sigma`, on tapered windows at the density of threshold 1 (`TaperedSDM`).
    """

    type: Literal['sdm']
    short_window: int = 9
    sigma: float | None = None

    def __post_init__(self) -> None:
        if self.sigma is not None and self.short_window != SdmOptions.short_window:
            raise OptionError('sdm: give short_window, or sigma for a tapered window')


@dataclass(frozen=True, kw_only=True)
class TfpOptions(MethodOptions):
    """`type: tfp`: the firing rate of a short window as a picture, with the photo's brightness and colours."""

    type: Literal['tfp']
    short_window: int = 9


@dataclass(frozen=True, kw_only=True)
class TfiOptions(MethodOptions):
    """`type: tfi`: the inverse interval between two spikes, with the photo's brightness and colours."""

    type: Literal['tfi']


@dataclass(frozen=True, kw_only=True)
class SdmBsnOptions(DensityOptions):
    """`type: sdm_bsn`: SDM whose short window BSN denoises (row I-2); `bsn` is the file of its weights."""

    type: Literal['sdm_bsn']
    bsn: str
    network_bsn: Mapping[str, Any] | None = None
    short_window: int = 9


@dataclass(frozen=True, kw_only=True)
class TeacherOptions(DensityOptions):
    """`type: teacher`: BSN, SpikeEDSR and SDM (row I-3); `bsn` and `sr` are the files of their weights."""

    type: Literal['teacher']
    bsn: str
    sr: str
    network_bsn: Mapping[str, Any] | None = None
    network_sr: Mapping[str, Any] | None = None
    short_window: int = 9


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(MethodOptions):
    """`type: network`: a student by its weights, a file or a registered name; the rest is as for `Deblurrer`."""

    type: Literal['network']
    weights: str
    density: Density | None = None
    engine: str = 'eager'
    tile: int | None = None


@dataclass(frozen=True, kw_only=True)
class ArchOptions(DensityOptions):
    """`type: arch`: any registered network, from `network` (`type` and arguments) and the file of its weights.

    It may map an image to one of its size; or, with `photos`, that many photos of the sequence, the sample's own in the
    middle, to one or as many; or a photo with the `num_spike` readouts that it has as an attribute. Sides are padded to
    a `multiple` and cropped again. `param_key` is where the file holds the weights, as `path.param_key_g` of BasicSR.
    """

    type: Literal['arch']
    network: Mapping[str, Any]
    weights: str
    param_key: str = 'params'
    photos: int | None = None
    multiple: int = 1


@dataclass(frozen=True, kw_only=True)
class OptionFileOptions(MethodOptions):
    """`opt`: an option file of `basicsr test` or `train`, whose networks and weights are used as it would.

    `weights` goes over `path.pretrain_network_g`, or by network (`g`, `bsn`, `sr`) over each; `row` is one of its
    model's `val.methods`, by default the trained network; `density` goes over that of its test set. `photos` (by
    default `num_frame` of its test set) and `multiple` are for stock models, as in `type: arch`.
    """

    type: Literal['option_file'] = 'option_file'
    opt: str
    weights: str | Mapping[str, str] | None = None
    row: str | None = None
    photos: int | None = None
    multiple: int = 1
    density: Density | None = None


TYPES: dict[str, type[MethodOptions]] = {
    'folder': FolderOptions,
    'blur': BlurOptions,
    'sdm': SdmOptions,
    'tfp': TfpOptions,
    'tfi': TfiOptions,
    'sdm_bsn': SdmBsnOptions,
    'teacher': TeacherOptions,
    'network': NetworkOptions,
    'arch': ArchOptions,
    'option_file': OptionFileOptions,
}


@dataclass(frozen=True)
class RowOptions:
    """A method, and what it is instead on sets that its `per_set` names; None where it has no results."""

    method: MethodOptions
    per_set: Mapping[str, MethodOptions | None]

    @property
    def variants(self) -> list[MethodOptions]:
        """The method and each of its other forms."""
        return [self.method, *(found for found in self.per_set.values() if found is not None)]


def parse_row(label: str, section: Any) -> RowOptions:
    """Parse a section of `methods`; `per_set` holds, by set, the keys that differ there, or ~ to leave the set out.

    Raises:
        OptionError: a section has no known `type`, or an option that its type does not have.
    """
    where = f'methods.{label}'
    if not isinstance(section, Mapping):
        raise OptionError(f'{where}: expected a section with type: {", ".join(TYPES)}; found {section!r}')
    base = {key: value for key, value in section.items() if key != 'per_set'}
    changes = section.get('per_set') or {}
    if not isinstance(changes, Mapping) or any(not isinstance(v, Mapping) for v in changes.values() if v is not None):
        raise OptionError(f'{where}.per_set: expected, by set, the options that differ there, or ~; found {changes!r}')
    per_set = {
        str(name): None if change is None else _parse_method({**base, **change}, f'{where}.per_set.{name}')
        for name, change in changes.items()
    }
    return RowOptions(_parse_method(base, where), per_set)


def _parse_method(section: Mapping[str, Any], where: str) -> MethodOptions:
    kind = section.get('type', 'option_file' if 'opt' in section else None)
    if kind not in TYPES:
        raise OptionError(f'{where}: expected a section with type: {", ".join(TYPES)}; found {dict(section)!r}')
    return parse_section(TYPES[kind], section, where)
