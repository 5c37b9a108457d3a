"""Columns of the table: a metric, how it is computed, and which way is better."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.compare.reading import Frame
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.metrics.iqa_catalogue import iqa_metric
from spikereveal_plugin.metrics.protocol import protocol, weights_file
from spikereveal_plugin.metrics.reblur_metric import REBLUR
from spikereveal_plugin.options import lookup
from spikereveal_plugin.recordings.photo import quantise

PYIQA = 'calculate_pyiqa'
PSNR = {'type': 'calculate_psnr', 'crop_border': 0}
SSIM = {'type': 'calculate_ssim', 'crop_border': 0}
SHORT = {
    'psnr': PSNR,
    'ssim': SSIM,
    'psnr_y': PSNR | {'test_y_channel': True},
    'ssim_y': SSIM | {'test_y_channel': True},
    'psnr_paper': {'type': 'calculate_psnr_paper'},
    'ssim_paper': {'type': 'calculate_ssim_paper'},
}
_PACKAGES = {PYIQA: 'pyiqa', 'calculate_psnr_paper': 'scikit-image', 'calculate_ssim_paper': 'scikit-image'}


@dataclass(frozen=True)
class Metric:
    """A registered metric with its options.

    Args:
        name: of its columns.
        section: as in `val.metrics`: `type` and options.
        better: `higher` or `lower`.
        protocol: how the number comes about, for a reader.
        needs_reference: whether it compares with a sharp image.
        identity: all that a score depends on beside the images.
    """

    name: str
    section: Mapping[str, Any]
    better: str
    protocol: str
    needs_reference: bool
    identity: str = ''

    def score(self, frame: Frame, reference: Frame | None) -> float:
        """Score a frame (H, W, 3) RGB float32 in [0, 1] against the sharp one of its size.

        Raises:
            SpikeRevealError: the metric cannot be computed.
        """
        images: dict[str, Any] = {'img': _bgr8(frame), 'img_float': frame}
        if reference is not None:
            images |= {'img2': _bgr8(reference), 'img2_float': reference}
        options = {key: value for key, value in self.section.items() if key not in ('type', 'better')}
        return float(METRIC_REGISTRY.get(self.section['type'])(**images, **options))


def metric_sections(
    metrics: Mapping[str, Any] | Sequence[str], weights_dir: str | None = None, download: bool = False
) -> dict[str, Any]:
    """Return the sections of metrics, of names too; pyiqa's are told where their weights are.

    Args:
        metrics: sections by name, or names.
        weights_dir: the folder of their weights; None: as the section says.
        download: whether missing weights may be downloaded; false: as the section says.

    Raises:
        OptionError: a name is given twice.
    """
    if not isinstance(metrics, Mapping):
        if twice := sorted({name for name in metrics if metrics.count(name) > 1}):
            raise OptionError(f'metrics: {twice[0]!r} is asked for twice')
        metrics = {name: SHORT.get(name, {'type': PYIQA, 'metric_name': name}) for name in metrics}
    said = {key: value for key, value in (('weights_dir', weights_dir), ('download', download)) if value}
    return {
        str(name): {**section, **said} if isinstance(section, Mapping) and section.get('type') == PYIQA else section
        for name, section in metrics.items()
    }


def build_metrics(sections: Mapping[str, Any] | Sequence[str]) -> list[Metric]:
    """Make the metrics of an option file, or of names: BasicSR's and the paper's by short name, any other pyiqa's.

    Raises:
        OptionError: a metric does not exist, its weights are missing, or `better` is no direction.
    """
    return [_build(name, section) for name, section in metric_sections(sections).items()]


def _build(name: str, section: Any) -> Metric:
    where = f'metrics.{name}'
    function = lookup(METRIC_REGISTRY, section, where)
    if section['type'] == REBLUR:
        raise OptionError(f'{where}: {REBLUR} scores whole exposures; it is for val.metrics of an option file')
    try:
        how = protocol(section, where)
        needs_reference = _needs_reference(function, section)
        weights = weights_file(section)
    except OptionError as error:
        text = str(error) if str(error).startswith(where) else f'{where}: {error}'
        raise OptionError(f'{text} Names of this package: {", ".join(SHORT)}.' if 'unknown' in text else text) from None
    package = _PACKAGES.get(section['type'], 'basicsr')
    parts = [how.label, how.detail, f'{package} {version(package)}', *([weights] if weights else [])]
    options = {key: value for key, value in section.items() if key not in ('better', 'download')}
    identity = f'{json.dumps(options, sort_keys=True, default=str)} {"; ".join(parts[2:])}'
    return Metric(name, section, how.better, '; '.join(parts), needs_reference, identity)


def _needs_reference(function: Any, section: Mapping[str, Any]) -> bool:
    if section['type'] == PYIQA:
        return iqa_metric(str(section.get('metric_name', ''))).needs_reference
    reference = inspect.signature(function).parameters.get('img2')
    return reference is not None and reference.default is inspect.Parameter.empty


def _bgr8(frame: Frame) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(quantise(frame)[:, :, ::-1]).astype(np.uint8, copy=False)
