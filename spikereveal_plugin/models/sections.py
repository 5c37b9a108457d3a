"""Sections of an option file that this plugin's models read, one frozen dataclass each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from spikereveal_plugin.defaults import NUM_INSTANTS, SHORT_WINDOW
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.options import at_least_one

Section = Mapping[str, Any]


@dataclass(frozen=True)
class SpikeOptions:
    """Section `spike`."""

    short_window: int = SHORT_WINDOW
    """readouts of TFP_short, odd"""

    def __post_init__(self) -> None:
        if self.short_window < 1 or self.short_window % 2 == 0:
            raise OptionError(f'spike.short_window: expected an odd number of readouts, found {self.short_window}')


@dataclass(frozen=True)
class PathOptions:
    """Section `path`: weights to start from, files or names of `spikereveal weights list`, and what to resume."""

    pretrain_network_g: str | None = None
    """of the network that is trained or tested"""
    pretrain_network_bsn: str | None = None
    """of BSN"""
    pretrain_network_sr: str | None = None
    """of SpikeEDSR"""
    pretrain_network_teacher: str | None = None
    """of the network in the teacher's place"""
    param_key_g: str = 'params'
    """where the file holds them; `params_ema` is the moving average"""
    param_key_bsn: str = 'params'
    """as `param_key_g`"""
    param_key_sr: str = 'params'
    """as `param_key_g`"""
    param_key_teacher: str = 'params'
    """as `param_key_g`"""
    strict_load_g: bool = True
    """refuse weights that lack a layer or have one too many"""
    resume_state: str | None = None
    """training state (`.state`) to go on from"""


@dataclass(frozen=True)
class LoggerOptions:
    """Section `logger`, as BasicSR's."""

    print_freq: int = 100
    """iterations from one line of the log to the next"""
    save_checkpoint_freq: int = 5000
    """iterations from one checkpoint to the next"""
    keep_last: int | None = None
    """how many checkpoints stay; ~: all"""
    use_tb_logger: bool = False
    """write TensorBoard's events"""
    wandb: Section | None = None
    """`project` and `resume_id` of Weights & Biases"""

    def __post_init__(self) -> None:
        at_least_one('logger', print_freq=self.print_freq, save_checkpoint_freq=self.save_checkpoint_freq)
        at_least_one('logger', keep_last=1 if self.keep_last is None else self.keep_last)


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Section `train`, what all models share."""

    optim_g: Section
    """the optimiser: `type: Adam` and its arguments"""
    scheduler: Section
    """the schedule: `type` and arguments; a `CosineAnnealingRestartLR` without `periods` has one: the whole run"""
    total_iter: int | None = None
    """length of the run in iterations; this or `total_epoch`"""
    total_epoch: int | None = None
    """length of the run in passes over the data, as papers count"""
    warmup_iter: int = -1
    """iterations in which the learning rate rises; -1: none"""
    ema_decay: float = 0.0
    """of the moving average of the weights; 0: none"""
    amp: Literal['bf16', 'fp16'] | None = None
    """type of mixed precision; ~: float32"""
    compile: bool = False
    """hand the network to `torch.compile`"""
    grad_clip: float | None = None
    """the longest gradient, 2-norm of all weights'; ~: any"""
    accumulate: int = 1
    """iterations of which the optimiser steps once, by their mean"""

    def __post_init__(self) -> None:
        at_least_one('train', accumulate=self.accumulate)
        if self.grad_clip is not None and self.grad_clip <= 0:
            raise OptionError(f'train.grad_clip: expected a number above 0, or ~ for none, found {self.grad_clip}')


@dataclass(frozen=True, kw_only=True)
class PixelTrainOptions(TrainOptions):
    """Section `train` of `BSNModel`, `SpikeEDSRModel` and `SpikeRestorationModel`."""

    pixel_opt: Section
    """the loss: `type`, any registered loss of two images, and its arguments"""


@dataclass(frozen=True, kw_only=True)
class DistillTrainOptions(TrainOptions):
    """Section `train` of `SpikeDistillModel`; at least one of its three losses."""

    distill_opt: Section | None = None
    """loss of student and teacher frames (Eq. 12)"""
    reblur_opt: Section | None = None
    """loss of the mean of the student's frames and the photo (Eq. 13)"""
    respike_opt: Section | None = None
    """loss of each frame and the spikes of its instant, the short firing rate as gray; not in the paper"""
    num_instants: int = NUM_INSTANTS
    """instants of one step, spread over the exposure"""
    instants: tuple[int, ...] | Literal['random'] | None = None
    """the readouts to train at, in place of `num_instants`; `random`: so many are drawn in every step"""
    teacher: Literal['online', 'cache'] = 'online'
    """`online`: computed in every step, as published; `cache`: what `spikereveal data teach` computed"""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one('train', num_instants=self.num_instants)
        if self.instants == 'random' and self.teacher == 'cache':
            raise OptionError('train.instants: random needs teacher: online; a cache holds listed instants')
