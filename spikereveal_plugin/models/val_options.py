"""Section `val`, for this plugin's models and, where it says when a run ends, for any."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.defaults import NUM_FRAMES
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import at_least_one, check_choice, check_keys, lookup, parse_section

Section = Mapping[str, Any]


@dataclass(frozen=True)
class EarlyStopOptions:
    """Section `val.early_stop`: end a run whose score on the first validation set gets no better."""

    metric: str
    """one of `val.metrics`"""
    patience: int = 5
    """validations without a better score"""
    min_delta: float = 0.0
    """what exceeds the best by this is better"""

    def __post_init__(self) -> None:
        at_least_one('val.early_stop', patience=self.patience)
        if self.min_delta < 0:
            raise OptionError(f'val.early_stop.min_delta: expected 0 or more, found {self.min_delta}')


@dataclass(frozen=True)
class ValOptions:
    """Section `val`."""

    val_freq: int | None = None
    """iterations from one validation to the next; ~: none while training"""
    at_start: bool = False
    """validate before the first iteration too, so that the best may be what the run began with"""
    save_best: str | None = None
    """the metric whose best value on the first validation set is kept as `net_g_best.pth`"""
    early_stop: Section | None = None
    """end a run that gets no better (`EarlyStopOptions`)"""
    save_img: bool = False
    """save frames, sheets and videos"""
    suffix: str | None = None
    """of stock models; ~ here, where frames are named by their readouts"""
    pbar: bool = True
    """show a progress bar"""
    methods: tuple[str, ...] = ()
    """the table's rows; the last one's frames are kept; by default the network in training alone"""
    num_frames: int = NUM_FRAMES
    """instants of the restored sequence, where no sharp frames set them"""
    num_panels: int = 2
    """samples that each validation shows in TensorBoard"""
    metrics: Section = field(default_factory=dict)
    """the table's columns by name: `type`, any registered metric, and its arguments"""

    def __post_init__(self) -> None:
        at_least_one('val', num_frames=self.num_frames)
        if self.num_panels < 0:
            raise OptionError(f'val.num_panels: expected 0 or more, found {self.num_panels}')


def parse_val(opt: Section, known_methods: tuple[str, ...]) -> ValOptions:
    """Parse section `val`; every method must be one that the model has.

    Raises:
        OptionError: an unknown key, method or metric.
    """
    options = parse_section(ValOptions, opt.get('val') or {}, 'val')
    for method in options.methods:
        check_choice(method, known_methods, 'val.methods')
    if options.save_best:
        check_choice(options.save_best, options.metrics, 'val.save_best')
    if options.early_stop is not None:
        stop = parse_section(EarlyStopOptions, options.early_stop, 'val.early_stop')
        check_choice(stop.metric, options.metrics, 'val.early_stop.metric')
    for name, section in options.metrics.items():
        where = f'val.metrics.{name}'
        check_metric(lookup(METRIC_REGISTRY, section, where), section, where)
    return options


def check_metric(metric: Callable[..., object], section: Section, where: str) -> None:
    """Refuse an argument that a metric does not have: BasicSR's take any in silence."""
    taken = {'better', *inspect.signature(metric).parameters} - {'img', 'img2', 'img_float', 'img2_float', 'kwargs'}
    check_keys(section, {'type', *taken}, where)
