"""LPIPS as a loss (Zhang et al. 2018; SpikeReveal Eq. 12), able to start on a machine without network."""

import errno
import os
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from urllib.error import URLError

import torch
from basicsr.utils.registry import LOSS_REGISTRY
from torch import Tensor, nn

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.losses.feature_distance import feature_distance
from spikereveal_plugin.torch_file import read_torch_file

_BACKBONES = {'vgg': 'VGG16', 'alex': 'AlexNet'}


@LOSS_REGISTRY.register()
class LPIPSLoss(nn.Module):
    """Penalise the distance between deep features of two images. Frozen: nothing in it is trained.

    Args:
        net: the backbone, 'vgg' (published) or 'alex'.
        loss_weight: factor of the loss.
        backbone_path: the backbone's ImageNet weights in torchvision's layout (`features.*`; `classifier.*` is
            ignored); `~` is expanded. Without it torchvision's file is taken from its cache or **downloaded**. The
            linear layers on top come with the package `lpips`.

    Raises:
        OptionError: the backbone is unknown, its file is unfit, or the download fails.
    """

    def __init__(self, *, net: str = 'vgg', loss_weight: float = 1.0, backbone_path: str | None = None) -> None:
        super().__init__()
        if net not in _BACKBONES:
            raise OptionError(f'LPIPSLoss: unknown net {net!r}; known: {sorted(_BACKBONES)}')
        self.loss_weight = loss_weight
        self.lpips = _build(net, is_random=backbone_path is not None)
        if backbone_path is not None:
            _load_backbone(self.lpips.get_submodule('net'), net, Path(backbone_path).expanduser())
        self.lpips.requires_grad_(False).to(memory_format=torch.channels_last)
        self.eval()

    def train(self, mode: bool = True) -> 'LPIPSLoss':
        """Stay in evaluation mode whatever is asked: the linear layers have dropout."""
        return super().train(False)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Return a scalar, the mean over the batch.

        Args:
            pred: (B, 3, H, W), RGB in [0, 1]; LPIPS' own range of [-1, 1] is made inside.
            target: as `pred`. Its features are kept for the gradient only if it requires one.

        Raises:
            ValueError: the shapes differ or are not these.
        """
        if pred.dim() != 4 or pred.shape[1] != 3 or pred.shape != target.shape:
            raise ValueError(
                f'LPIPSLoss: expected two images (B, 3, H, W), got {tuple(pred.shape)} and {tuple(target.shape)}'
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and target.requires_grad):
            of_target = self._features(target)
        layers = zip(self._features(pred), of_target, self.lpips.lins, strict=True)  # type: ignore[arg-type]
        distances = [feature_distance(features, want, lin.model[-1].weight.flatten()) for features, want, lin in layers]
        return self.loss_weight * torch.stack(distances).sum(dim=0).mean()

    def _features(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the backbone's layers (B, C, h, w) of an image in [0, 1]."""
        image = image.contiguous(memory_format=torch.channels_last)
        return tuple(self.lpips.net(self.lpips.scaling_layer(2 * image - 1)))  # type: ignore[operator]


def _build(net: str, is_random: bool) -> nn.Module:
    """Make the package's module without its output, its dependencies' warnings, or a change of the random state."""
    lpips = import_module('lpips')  # takes a second: not while other commands start
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings('ignore', category=UserWarning, module='torchvision')  # `pretrained` is deprecated
        warnings.filterwarnings('ignore', category=FutureWarning)  # torch.load before 2.6
        try:
            return lpips.LPIPS(net=net, pnet_rand=is_random, verbose=False)
        except URLError as error:
            raise OptionError(
                f'LPIPSLoss: the weights of {_BACKBONES[net]} could not be downloaded ({error.reason}). '
                "Set backbone_path to a file of torchvision's weights."
            ) from error


def _load_backbone(backbone: nn.Module, net: str, path: Path) -> None:
    """Load torchvision's `features.3.weight` as the package's `slice2.3.weight`, all of them or none."""
    names = {key: f'features.{key.split(".", 1)[1]}' for key in backbone.state_dict()}
    try:
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        state = read_torch_file(path)
    except OSError as error:
        raise OptionError(f'LPIPSLoss: cannot read backbone_path {path}: {error.strerror}') from error
    except SpikeDataError as error:
        said = str(error).removeprefix(f'{path}: ')
        raise OptionError(f'LPIPSLoss: backbone_path {path} is not a file of PyTorch weights ({said})') from error
    names_there = {key for key in state if not key.startswith('classifier.')} if isinstance(state, Mapping) else set()
    if differing := names_there ^ set(names.values()):
        raise OptionError(
            f'LPIPSLoss: backbone_path {path} does not hold the features of {_BACKBONES[net]} (net: {net}); '
            f'missing or unknown: {", ".join(sorted(differing)[:4])}, ...'
        )
    try:
        backbone.load_state_dict({key: state[name] for key, name in names.items()})
    except RuntimeError as error:
        raise OptionError(f'LPIPSLoss: backbone_path {path}, net {net}: {error}') from error
