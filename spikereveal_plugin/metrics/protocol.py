"""What a score depends on beside the images, in words that stand beside it, and which direction is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.metrics.iqa_catalogue import Better, iqa_metric
from spikereveal_plugin.metrics.liqe import FILES
from spikereveal_plugin.metrics.reblur_metric import REBLUR

ARROWS: dict[Better, str] = {'higher': '↑', 'lower': '↓'}
_REBLUR = 'root mean square of the mean of all frames minus the blurry photo, RGB, in 8-bit levels'
_PAPER = 'scikit-image on unrounded RGB in [-1, 1], data range 2'


@dataclass(frozen=True)
class Protocol:
    """How a metric of `val.metrics` scores.

    Args:
        label: a few words for a table's heading, such as 'paper' or 'basicsr RGB crop 0'.
        detail: the rest that one needs to repeat it.
        better: the direction of better images.
    """

    label: str
    detail: str
    better: Better

    @property
    def arrow(self) -> str:
        """The direction, for a heading."""
        return ARROWS[self.better]


def protocol(section: Mapping[str, Any], where: str = 'metric') -> Protocol:
    """Say how a section of `val.metrics` scores.

    Raises:
        OptionError: pyiqa has no such metric, or `better` contradicts what is known of the metric.
    """
    known = _known(section)
    better = section.get('better', known.better)
    if better not in ARROWS:
        raise OptionError(f"{where}.better: expected 'higher' or 'lower', found {better!r}")
    if is_known(section) and better != known.better:
        raise OptionError(
            f'{where}.better: {better!r}, but of {section["type"]} {known.label} {known.better} is better'
        )
    return Protocol(known.label, known.detail, better)


def with_directions(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return `val.metrics` with `better` in each section whose direction is known; BasicSR picks the best by it.

    Raises:
        OptionError: as `protocol`.
    """
    directed = {}
    for name, section in metrics.items():
        better = protocol(section, f'val.metrics.{name}').better
        directed[name] = {**section, **({'better': better} if is_known(section) else {})}
    return directed


def is_known(section: Mapping[str, Any]) -> bool:
    """Whether the metric is one of BasicSR's or of this plugin's."""
    return section.get('type') in {*_BASICSR, *_PAPERS, 'calculate_pyiqa', REBLUR}


def weights_file(section: Mapping[str, Any]) -> str | None:
    """Name the file of LIQE's weights and its SHA-256; None for other metrics. To be called once it has scored."""
    if section.get('type') != 'calculate_pyiqa' or section.get('metric_name') not in FILES:
        return None
    from spikereveal_plugin.metrics.scorer import scorer  # noqa: PLC0415 - heavy

    keys = ('device', 'weights_dir', 'download')
    return scorer(section['metric_name'], **{key: section[key] for key in keys if key in section}).weights


def _known(section: Mapping[str, Any]) -> Protocol:
    kind = str(section.get('type'))
    if kind in _BASICSR:
        detail, better = _BASICSR[kind]
        channel = 'Y' if section.get('test_y_channel', kind == 'calculate_niqe') else 'RGB'
        return Protocol(f'basicsr {channel} crop {section.get("crop_border", 0)}', detail, better)
    if kind == 'calculate_pyiqa':
        return _of_pyiqa(section)
    if kind == REBLUR:
        count = section.get('num_instants')
        return Protocol(f'{"all" if count is None else count} readouts', _REBLUR, 'lower')
    if kind in _PAPERS:
        return _PAPERS[kind]
    return Protocol(kind, 'as registered', 'higher')


def _of_pyiqa(section: Mapping[str, Any]) -> Protocol:
    metric, short = iqa_metric(section.get('metric_name', '')), section.get('resize_short')
    size = 'full size' if short is None else f'short side {short}'
    resized = 'as it is' if short is None else 'resized bilinearly'
    return Protocol(f'pyiqa {metric.name} {size}', f'unrounded RGB in [0, 1], {resized}', metric.better)


_BASICSR: dict[str, tuple[str, Better]] = {
    'calculate_psnr': ('8 bit', 'higher'),
    'calculate_ssim': ('8 bit, Gaussian 11 x 11 window without the border', 'higher'),
    'calculate_niqe': ("8 bit, blocks of 96 x 96, BasicSR's parameters", 'lower'),
}
_PAPERS = {
    'calculate_psnr_paper': Protocol('paper', _PAPER, 'higher'),
    'calculate_ssim_paper': Protocol('paper', f'{_PAPER}, uniform 7 x 7 window', 'higher'),
}
