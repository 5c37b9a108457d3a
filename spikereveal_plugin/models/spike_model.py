"""What the three models share: strict options, the feed, one optimiser step, validation by restorers."""

import copy
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

import torch
from basicsr.losses import build_loss
from basicsr.models.sr_model import SRModel
from basicsr.utils import get_root_logger
from torch import Tensor, nn

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.models.batch import shot_of_batch
from spikereveal_plugin.models.descent import Descent, check_scalar
from spikereveal_plugin.models.needs import card_of_run, refused_weights
from spikereveal_plugin.models.options import parse_option_file
from spikereveal_plugin.models.resumable import Resumable
from spikereveal_plugin.models.sections import TrainOptions
from spikereveal_plugin.models.validating import Validating


class SpikeModel(Validating, Resumable, SRModel):
    """A network `net_g` trained from blurry images and spikes alone."""

    train_options: ClassVar[type[TrainOptions]]
    frozen_networks: ClassVar[tuple[str, ...]] = ()  # used, not trained: a resume loads them from where they came

    def __init__(self, opt: dict[str, Any]) -> None:
        self.options = parse_option_file(opt, self.train_options, self.known_methods(), self.networks())
        is_tested = self.trained_method in self.tabled_methods.values()
        if not opt['is_train'] and is_tested and not opt['path'].get('pretrain_network_g'):
            raise OptionError(f'path.pretrain_network_g is empty: {self.trained_method!r} of val.methods needs it')
        super().__init__(opt)
        for name, method in self.tabled_methods.items():
            if name != method:
                get_root_logger().warning(f'val.methods: {name!r} is called {method!r} now; the old name goes soon.')

    @classmethod
    def networks(cls) -> tuple[str, ...]:
        """Sections of networks that it reads."""
        return ('network_g', *cls.frozen_networks)

    @classmethod
    def complete_options(cls, opt: dict[str, Any]) -> None:
        """Fill in, after the check and before anything is built, what one section must know of another."""
        for key in ('dataroot_gt', 'dataroot_gt_sequence') if 'train' in opt['datasets'] else ():
            opt['datasets']['train'].pop(key, None)  # sharp crops would be read and not used

    def load_network(
        self, net: nn.Module, load_path: str, strict: bool = True, param_key: str | None = 'params'
    ) -> None:
        """As `Resumable`'s.

        Raises:
            OptionError: the file is missing, or does not hold weights of this network.
        """
        try:
            super().load_network(net, load_path, strict, param_key)
        except SpikeDataError as error:
            raise refused_weights('network_g', load_path, error) from None

    def model_to_device(self, net: nn.Module) -> nn.Module:
        """As BasicSR's, in the memory format that training is fastest in, compiled if `train.compile`."""
        if self.device.type == 'cuda':  # on a CPU the gradients of the weights take longer in it
            net = net.to(memory_format=torch.channels_last)
        if self.is_train and self.opt['train'].get('compile'):
            net.compile()  # in place: the names of its parameters stay
        return super().model_to_device(net)

    def init_training_settings(self) -> None:
        self.net_g.train()
        train: Any = self.options.train
        self.ema_decay = train.ema_decay
        if self.ema_decay > 0:
            self.init_ema()
        self.init_losses(train)
        self.setup_optimizers()
        self.setup_schedulers()
        self.descent = Descent(self.net_g, self.optimizer_g, train, self.device)

    def init_ema(self) -> None:
        """Start the moving average from `net_g`, or from what a checkpoint holds of it."""
        self.net_g_ema = copy.deepcopy(self.get_bare_model(self.net_g)).requires_grad_(False).eval()
        if path := self.opt['path'].get('pretrain_network_g'):
            self.load_network(self.net_g_ema, path, self.opt['path'].get('strict_load_g', True), 'params_ema')

    def init_losses(self, train: Any) -> None:
        """Build the losses; the pixel loss of a stage that has one."""
        self.cri_pix = build_loss(train.pixel_opt).to(self.device)

    def setup_schedulers(self) -> None:
        """BasicSR's schedules, where a cosine without periods spans the whole run, per iteration."""
        train, schedule = self.opt['train'], self.opt['train']['scheduler']
        is_cosine = schedule['type'] == 'CosineAnnealingRestartLR'
        self.schedule_spans_run = is_cosine and schedule.get('periods') is None
        if self.schedule_spans_run:
            schedule.update(periods=[train['total_iter']], restart_weights=[1])
        elif is_cosine:
            schedule.setdefault('restart_weights', [1] * len(schedule['periods']))
            if sum(schedule['periods']) < train['total_iter']:
                raise OptionError(
                    f'train.scheduler.periods: {schedule["periods"]} end before total_iter {train["total_iter"]}; '
                    'leave periods out to span the run'
                )
        super().setup_schedulers()

    def resume_training(self, resume_state: dict[str, Any]) -> None:
        """As BasicSR's; a cosine that spans the run goes on over the run's present length."""
        super().resume_training(resume_state)
        total = self.opt['train']['total_iter']
        for scheduler in self.schedulers if self.schedule_spans_run else ():
            if scheduler.periods != [total]:
                get_root_logger().warning(f'The cosine of {scheduler.periods} iterations now spans {total}.')
            scheduler.periods = scheduler.cumulative_period = [total]

    def card(self) -> dict[str, Any]:
        return {'card': asdict(card_of_run(self.opt))}

    def extra_state(self) -> dict[str, Any]:
        return {'descent': self.descent.state_dict()}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        if 'descent' in state:  # not in a state that BasicSR wrote
            self.descent.load_state_dict(state['descent'])

    def update_learning_rate(self, current_iter: int, warmup_iter: int = -1) -> None:
        """As BasicSR's, each iteration; PyTorch's remark that no step came before is no user's concern.

        The first iterations may have none: of several that are accumulated, or while a scaler's factor comes down.
        """
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'Detected call of `lr_scheduler.step', UserWarning)
            super().update_learning_rate(current_iter, warmup_iter)

    def feed_data(self, data: Mapping[str, Any]) -> None:
        self.shot = shot_of_batch(data, self.device)
        self.lq = self.shot.blur  # BasicSR's name
        self.check_ratio(self.shot)

    def step(self, losses: dict[str, Tensor]) -> None:
        """Go one optimiser step down the sum of the losses, log each, move the average.

        Raises:
            OptionError: a loss gives something else than one number.
        """
        for name, loss in losses.items():
            check_scalar(name, loss)
        self.descent.scale(torch.stack(list(losses.values())).sum()).backward()
        self.finish(losses)

    def finish(self, losses: dict[str, Tensor]) -> None:
        """End an iteration whose gradients are there: step, log the losses, move the average."""
        has_stepped = self.descent.end()
        self.log_dict = self.reduce_loss_dict(losses)
        if has_stepped and self.ema_decay > 0:
            self.model_ema(decay=self.ema_decay)
