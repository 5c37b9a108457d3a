"""Section `val`, for this plugin's models and, where it says when a run ends, for any."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import at_least_one, check_keys, lookup, parse_section

Section = Mapping[str, Any]


@dataclass(frozen=True)
class EarlyStopOptions:
    """Section `val.early_stop`: end the run after `patience` validations without a better score.

    `metric` is one of `val.metrics`, on the first validation set; better is what exceeds the best by `min_delta`.
    """

    metric: str
    patience: int = 5
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        at_least_one('val.early_stop', patience=self.patience)
        if self.min_delta < 0:
            raise OptionError(f'val.early_stop.min_delta: expected 0 or more, found {self.min_delta}')


@dataclass(frozen=True)
class ValOptions:
    """Section `val`. `methods` are the table's rows, `num_frames` the instants of the restored sequence.

    `save_best` names the metric whose best value on the first validation set is kept as `net_g_best.pth`; `at_start`
    validates before the first iteration too, so that the best may be what the run began with. With TensorBoard, each
    validation shows `num_panels` samples there.
    """

    val_freq: int | None = None
    at_start: bool = False
    save_best: str | None = None
    early_stop: Section | None = None
    save_img: bool = False
    suffix: str | None = None
    pbar: bool = True
    methods: tuple[str, ...] = ()
    num_frames: int = 7
    num_panels: int = 2
    metrics: Section = field(default_factory=dict)

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
    check_keys(dict.fromkeys(options.methods), known_methods, 'val.methods')
    check_keys({options.save_best: None} if options.save_best else {}, options.metrics, 'val.save_best')
    if options.early_stop is not None:
        stop = parse_section(EarlyStopOptions, options.early_stop, 'val.early_stop')
        check_keys({stop.metric: None}, options.metrics, 'val.early_stop.metric')
    for name, section in options.metrics.items():
        where = f'val.metrics.{name}'
        metric = lookup(METRIC_REGISTRY, section, where)
        taken = {'better', *inspect.signature(metric).parameters} - {'img', 'img2', 'img_float', 'img2_float', 'kwargs'}
        check_keys(section, {'type', *taken}, where)
    return options
