"""A metric of pyiqa, made once a process: batches of RGB tensors in [0, 1] to one score an image."""

from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import StringIO
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from spikereveal_plugin._compat import import_clip
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.metrics.iqa_catalogue import IqaMetric, iqa_metric
from spikereveal_plugin.metrics.iqa_files import pyiqa_takes_files_from
from spikereveal_plugin.metrics.iqa_weights import WeightsSource, weights_source
from spikereveal_plugin.metrics.liqe import FILES, load_liqe
from spikereveal_plugin.metrics.random_state import own_random_numbers


@dataclass(frozen=True)
class Scorer:
    """A metric that is ready to score.

    Args:
        metric: what pyiqa says of it.
        device: where it runs.
        compute: images, and references where it needs them, to scores.
        weights: the file of its weights and that file's SHA-256, where known.
    """

    metric: IqaMetric
    device: torch.device
    compute: Callable[..., Tensor]
    weights: str | None = None

    @torch.no_grad()
    def __call__(self, images: Tensor, references: Tensor | None = None, *, resize_short: int | None = None) -> Tensor:
        """Return (N,) scores on the CPU.

        Args:
            images: (N, 3, H, W), RGB in [0, 1].
            references: as `images`; needed where `metric.needs_reference`, else not looked at.
            resize_short: the length to which the shorter side is resized first.

        Raises:
            SpikeDataError: the images do not suit the metric, or a score is not a number.
        """
        given = [images, references] if self.metric.needs_reference and references is not None else [images]
        batch = [resize_short_side(x.to(self.device), resize_short) for x in given]
        where = f'{self.metric.name} of images {images.shape[-2]} x {images.shape[-1]}'
        with own_random_numbers(self.device):
            try:
                scores = self.compute(*batch).detach().float().flatten().cpu()
            except (AssertionError, IndexError, ValueError, RuntimeError) as error:
                if isinstance(error, SpikeDataError | torch.OutOfMemoryError):
                    raise
                raise SpikeDataError(f'{where}: {" ".join(str(error).split())}') from error
        if len(scores) != len(images):
            scores = torch.cat([self(*(x[i : i + 1] for x in batch)) for i in range(len(images))])
        if scores.isnan().any():
            raise SpikeDataError(f'{where}: the score is not a number; the image may be too small or flat')
        return scores


def resize_short_side(images: Tensor, short: int | None) -> Tensor:
    """Resize (N, 3, H, W) bilinearly so that the shorter side is `short`; the longer one is rounded down."""
    height, width = images.shape[-2:]
    if short is None or short == min(height, width):
        return images
    size = (height * short // min(height, width), width * short // min(height, width))
    return nn.functional.interpolate(images, size, mode='bilinear', align_corners=False).clamp(0, 1)


def scorer(name: str, device: str | None = None, weights_dir: str | None = None, download: bool = False) -> Scorer:
    """Make a metric, or return the one that was made with these arguments before.

    Args:
        name: pyiqa's name.
        device: such as 'cuda:1'; None for the GPU where there is one, else the CPU.
        weights_dir: the folder of its weights, in place of $IQA_WEIGHTS.
        download: whether missing weights may be downloaded.

    Raises:
        OptionError: there is no such metric, its weights are missing, or it cannot be made here.
    """
    place = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        where = torch.device(place)
    except RuntimeError as error:
        raise OptionError(f'calculate_pyiqa: device: {place!r} is no device: {error}') from None
    return _make(iqa_metric(name), where, weights_source(f'calculate_pyiqa({name!r})', weights_dir, download))


@cache
def _make(metric: IqaMetric, device: torch.device, source: WeightsSource) -> Scorer:
    with own_random_numbers(device):
        if metric.name in FILES:
            network = load_liqe(metric.name, source).to(device)
            return Scorer(metric, device, network, f'{FILES[metric.name]}, SHA-256 {network.weights_hash}')
        return Scorer(metric, device, _make_pyiqa(metric.name, device, source))


def _make_pyiqa(name: str, device: torch.device, source: WeightsSource) -> Callable[..., Tensor]:
    try:
        import_clip()
        with pyiqa_takes_files_from(source), redirect_stdout(StringIO()):  # it speaks of downloads that are none
            return import_module('pyiqa').create_metric(name, device=device)
    except ImportError as error:
        raise OptionError(f'{source.where}: needs a package that is not here: {error}') from error
    except UnpicklingError as error:
        raise OptionError(f'{source.where}: a file of its weights holds more than tensors and is not read') from error
    except OSError as error:
        raise OptionError(f'{source.where}: its weights cannot be had: {" ".join(str(error).split())[:300]}') from error
