"""Columns of the table: a metric, how it is computed, and which way is better."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.compare.reading import Frame
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.photo import quantise
from spikereveal_plugin.metrics.iqa_catalogue import IqaMetric, iqa_metric
from spikereveal_plugin.metrics.reblur_metric import REBLUR
from spikereveal_plugin.options import lookup

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
_PAPER = 'the paper: scikit-image, floats not rounded, [-1, 1], data range 2'
_LOWER = ('calculate_niqe',)


@dataclass(frozen=True)
class Metric:
    """A registered metric with its options.

    Args:
        name: of its columns.
        section: as in `val.metrics`: `type` and options.
        better: `higher` or `lower`.
        protocol: how the number comes about, for a reader.
        needs_reference: whether it compares with a sharp image.
    """

    name: str
    section: Mapping[str, Any]
    better: str
    protocol: str
    needs_reference: bool

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


def build_metrics(wanted: Mapping[str, Any] | Sequence[str]) -> list[Metric]:
    """Make the metrics of an option file, or of names: BasicSR's and the paper's by short name, any other pyiqa's.

    Raises:
        OptionError: a metric does not exist, or `better` is no direction.
    """
    if isinstance(wanted, Mapping):
        return [_build(str(name), section) for name, section in wanted.items()]
    if odd := sorted({name for name in wanted if wanted.count(name) > 1}):
        raise OptionError(f'metrics: {odd[0]!r} is asked for twice')
    return [_build(name, SHORT.get(name, {'type': 'calculate_pyiqa', 'metric_name': name})) for name in wanted]


def _build(name: str, section: Any) -> Metric:
    function = lookup(METRIC_REGISTRY, section, f'metrics.{name}')
    kind = section['type']
    if kind == REBLUR:
        raise OptionError(f'metrics.{name}: {kind} scores whole exposures; it is for val.metrics of an option file')
    if kind == 'calculate_pyiqa':
        known = _of_pyiqa(name, str(section.get('metric_name', '')))
        better, needs_reference = str(known.better), known.needs_reference
    else:
        better = 'lower' if kind in _LOWER else 'higher'
        reference = inspect.signature(function).parameters.get('img2')
        needs_reference = reference is not None and reference.default is inspect.Parameter.empty
    better = section.get('better', better)
    if better not in ('higher', 'lower'):
        raise OptionError(f'metrics.{name}.better: expected higher or lower, found {better!r}')
    return Metric(name, section, better, _protocol(kind, section), needs_reference)


def _of_pyiqa(name: str, metric_name: str) -> IqaMetric:
    try:
        return iqa_metric(metric_name)
    except OptionError as error:
        raise OptionError(f'metrics.{name}: {error} Names of this package: {", ".join(SHORT)}.') from None


def _protocol(kind: str, section: Mapping[str, Any]) -> str:
    options = ', '.join(f'{key} {value}' for key, value in section.items() if key not in ('type', 'better'))
    if kind == 'calculate_pyiqa':
        size = '' if section.get('resize_short') else ', images as large as they are'
        return f'pyiqa {version("pyiqa")}, RGB floats in [0, 1]; {options}{size}'
    if kind.endswith('_paper'):
        return _PAPER + ('; 7 x 7 uniform window' if 'ssim' in kind else '')
    if kind in ('calculate_psnr', 'calculate_ssim'):
        window = '; 11 x 11 Gaussian window' if kind == 'calculate_ssim' else ''
        channel = 'luminance' if section.get('test_y_channel') else 'RGB'
        return f'BasicSR {version("basicsr")}: 8 bits, {channel}, crop_border {section.get("crop_border")}{window}'
    return f'{kind}; {options}' if options else kind


def _bgr8(frame: Frame) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(quantise(frame)[:, :, ::-1]).astype(np.uint8, copy=False)
