"""What the training loop asks of a model beyond BasicSR: whole checkpoints, a state that is whole, ranks on a CPU."""

import tempfile
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar

import torch
from basicsr.utils import get_root_logger
from basicsr.utils.dist_util import master_only
from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from spikereveal_plugin.models.checkpoint import save_checkpoint
from spikereveal_plugin.models.shared_validation import SharedValidation
from spikereveal_plugin.models.stock_panels import StockPanels
from spikereveal_plugin.models.torch_training import OF_BASICSR, optimizer_class, scheduler_class
from spikereveal_plugin.options import lookup_name
from spikereveal_plugin.weights.file import read_weights
from spikereveal_plugin.weights.forms import without_owner
from spikereveal_plugin.weights.network import check_finite, fill, read_preferring


class Resumable(SharedValidation):
    """Mix-in before a BasicSR model, of this plugin or stock: `class BSNModel(Resumable, SRModel)`.

    `loop_state` is what the loop wants kept in the next training state (place in the data, random numbers, best
    scores); `extra_state` what a model keeps beside networks, optimisers and schedules, such as a gradient scaler's.
    """

    loop_state: Mapping[str, Any] = {}
    kept: ClassVar[tuple[str, ...]] = ('queue_lr', 'queue_gt', 'queue_ptr', 'mean_path_length')  # of stock models

    def extra_state(self) -> dict[str, Any]:
        """What an exact resume needs of this model; tensors, numbers, text and containers of them."""
        return {name: vars(self)[name] for name in self.kept if name in vars(self)}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `extra_state` gave, on the device that there is now."""
        for name, value in state.items():
            setattr(self, name, value.to(self.device) if isinstance(value, Tensor) else value)

    def model_to_device(self, net: nn.Module) -> nn.Module:
        """As BasicSR's, which wraps for CUDA alone."""
        if self.opt['dist'] and self.device.type == 'cpu':
            return DistributedDataParallel(
                net.to(self.device), find_unused_parameters=self.opt.get('find_unused_parameters', False)
            )
        wrapped: nn.Module = super().model_to_device(net)
        return wrapped

    def load_network(
        self, net: nn.Module, load_path: str, strict: bool = True, param_key: str | None = 'params'
    ) -> None:
        """As BasicSR's, of every form of weights that `deblur --weights` takes.

        Raises:
            SpikeDataError: the file is missing or damaged, holds no weights, or those of another network.
        """
        path, network = Path(load_path), self.get_bare_model(net)
        weights = read_weights(path) if param_key is None else read_preferring(path, param_key)
        if strict:
            fill(network, weights)
            get_root_logger().info(f'{type(network).__name__}: weights of {load_path}')
            return
        check_finite(weights)
        state = without_owner(weights.state, network.state_dict().keys())
        with tempfile.TemporaryDirectory(prefix='basicsr_weights_') as folder:  # in the one form that BasicSR reads
            plain = Path(folder, path.name)
            torch.save({'params': state}, plain)
            super().load_network(net, str(plain), strict, 'params')

    @master_only
    def save_network(
        self, net: Any, net_label: str, current_iter: int | str, param_key: str | list[str] = 'params'
    ) -> None:
        """Save networks as BasicSR's `load_network` reads them; a checkpoint is whole or not there."""
        nets, keys = (item if isinstance(item, list) else [item] for item in (net, param_key))
        states = {key: _on_cpu(self.get_bare_model(item)) for key, item in zip(keys, nets, strict=True)}
        name = f'{net_label}_{"latest" if current_iter == -1 else current_iter}.pth'
        save_checkpoint(states | self.card(), Path(self.opt['path']['models'], name))

    def get_optimizer(self, optim_type: str, params: Any, lr: float, **kwargs: Any) -> Any:
        """As BasicSR's, which knows Adam alone, for every optimiser of torch."""
        if optim_type == 'Adam':
            return super().get_optimizer(optim_type, params, lr, **kwargs)
        return optimizer_class(optim_type, 'train.optim: type')(params, lr=lr, **kwargs)

    def setup_schedulers(self) -> None:
        """As BasicSR's, for every schedule of torch too."""
        section = dict(self.opt['train']['scheduler'])
        if section.get('type') in OF_BASICSR:
            super().setup_schedulers()
            return
        kind = scheduler_class(section.pop('type', None), 'train.scheduler.type')
        self.schedulers += [kind(optimizer, **section) for optimizer in self.optimizers]

    def card(self) -> dict[str, Any]:
        """What a checkpoint says of its networks beside their numbers; BasicSR does not read it."""
        return {}

    def save_best(self) -> None:
        """Save the networks of this iteration as `net_g_best.pth`."""
        if hasattr(self, 'net_g_ema'):
            self.save_network([self.net_g, self.net_g_ema], 'net_g', 'best', ['params', 'params_ema'])
        else:
            self.save_network(self.net_g, 'net_g', 'best')

    @master_only
    def save_training_state(self, epoch: int, current_iter: int) -> None:
        """Save what a resume needs beside the networks."""
        if current_iter == -1:
            return
        optimizers, schedulers = ([item.state_dict() for item in items] for items in (self.optimizers, self.schedulers))
        state = {'epoch': epoch, 'iter': current_iter, 'optimizers': optimizers, 'schedulers': schedulers}
        state |= {**self.loop_state, 'extra': self.extra_state()}
        save_checkpoint(state, Path(self.opt['path']['training_states'], f'{current_iter}.state'))

    def resume_training(self, resume_state: dict[str, Any]) -> None:
        """As BasicSR's, and the model's own extra state."""
        super().resume_training(resume_state)
        self.load_extra_state(resume_state.get('extra', {}))


def build_resumable_model(opt: dict[str, Any]) -> Any:
    """Build the model that the options name as BasicSR does; a stock one becomes `Resumable` by a subclass."""
    stock = lookup_name(MODEL_REGISTRY, opt['model_type'], 'model_type')
    kind = stock if issubclass(stock, Resumable) else type(stock.__name__, (StockPanels, Resumable, stock), {})
    model = kind(deepcopy(opt))
    get_root_logger().info(f'Model [{kind.__name__}] is created.')
    return model


def _on_cpu(net: nn.Module) -> dict[str, Tensor]:
    return {key.removeprefix('module.'): value.cpu() for key, value in net.state_dict().items()}
