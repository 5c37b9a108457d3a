"""Rows of any registered network: an image, or the photos of a sequence, to an image of the same size."""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from basicsr.utils.registry import ARCH_REGISTRY
from torch import Tensor, nn

from spikereveal_plugin._version import __version__
from spikereveal_plugin.compare.complexity import Complexity, complexity_of
from spikereveal_plugin.compare.computation import Computation, as_frame, as_tensor
from spikereveal_plugin.compare.deblur_rows import DeblurComputation
from spikereveal_plugin.compare.method_options import ArchOptions
from spikereveal_plugin.compare.reading import Frame, digest, digest_files
from spikereveal_plugin.compare.shot import Shot
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.deblurrer import Deblurrer
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.models.frozen import load_weights
from spikereveal_plugin.options import check_arguments, lookup
from spikereveal_plugin.weights.registry import resolve_option

_CANNOT = (RuntimeError, AssertionError, ValueError, TypeError, IndexError)  # what networks say of a size


class ImageComputation:
    """One image from a photo, or from the photos around it; it stands for every frame of the exposure."""

    def __init__(self, network: nn.Module, options: ArchOptions, identity: str, device: str) -> None:
        self._network, self._multiple, self._device = network, options.multiple, torch.device(device)
        self._is_sequence = options.photos is not None or 'num_frame' in options.network
        self.photos = options.photos or int(options.network.get('num_frame', 1))
        if self.photos < 1 or self.photos % 2 == 0 or self._multiple < 1:
            raise OptionError(f'photos and multiple: expected an odd number and 1 or more, found {options.photos}')
        self.identity, self._name = identity, str(options.network['type'])
        sees = f'{self.photos} photos of the sequence' if self._is_sequence else 'the photo'
        self.remark = f'{self._name} restores one image from {sees}, which stands for every frame of the exposure'

    def frames(self, shot: Shot) -> Iterable[Frame]:
        """Raise OptionError where the network cannot take the photo, or gives no image of its size."""
        height, width = shot.blur.shape[:2]
        given = self._input(as_tensor(*(shot.photos or (shot.blur,))))
        try:
            with torch.inference_mode():
                found = self._network(given.to(self._device))
        except _CANNOT as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise OptionError(f'{self._name} cannot restore {_said(given)}: {error}; {self._hint()}') from None
        if isinstance(found, Tensor) and found.dim() == 5:
            found = found[:, found.shape[1] // 2]
        if not isinstance(found, Tensor) or found.shape != (1, 3, *given.shape[-2:]):
            kind = _said(found) if isinstance(found, Tensor) else type(found).__name__
            raise OptionError(
                f'{self._name} makes {kind} of {_said(given)}; expected an RGB image of the same size '
                '(upscale or scale 1, hr_in, is_low_res_input false)'
            )
        return [as_frame(found[:, :, :height, :width])] * len(shot.instants)

    def _input(self, photos: Tensor) -> Tensor:
        rows, columns = (-side % self._multiple for side in photos.shape[-2:])
        padded = F.pad(photos, (0, columns, 0, rows), mode='replicate') if rows or columns else photos
        return padded.unsqueeze(0) if self._is_sequence else padded

    def _hint(self) -> str:
        if not self._is_sequence:
            return 'a network of a sequence needs `photos`, how many; sides that must be multiples, `multiple`'
        return 'sides that must be multiples of 4 or 16 need `multiple`'

    def complexity(self, shot: Shot) -> Complexity:
        blank = torch.zeros(self.photos, 3, *shot.blur.shape[:2])
        return complexity_of((self._network, (self._input(blank),)))


def arch_row(options: ArchOptions, device: str) -> Computation:
    """A registered network with its weights; one with `num_spike` sees spikes too.

    Raises:
        OptionError: it is not registered, does not take its arguments or weights, or `photos` does not suit it.
    """
    network = build_network(options.network)
    path = resolve_option(options.weights, options.network['type'], 'weights')
    load_weights(network, path, options.param_key)
    network = network.requires_grad_(False).to(device).eval()
    how = (options.photos, options.multiple, options.density, options.trained_threshold, options.param_key)
    parts = [digest_files([path]), str(sorted(options.network.items())), str(how)]
    identity = digest(['arch', *parts, __version__])
    if not isinstance(getattr(network, 'num_spike', None), int):
        if options.density != 1:
            raise OptionError(f'density: {options.network["type"]} sees no spikes')
        return ImageComputation(network, options, identity, device)
    engine = build_engine('eager', network, torch.device(device))
    deblurrer = Deblurrer(engine, density=options.density, trained_threshold=options.trained_threshold)
    return DeblurComputation(deblurrer, identity, lambda: network)


def build_network(section: Mapping[str, Any]) -> nn.Module:
    """Build a registered network.

    Raises:
        OptionError: it is unknown, or does not take its arguments.
    """
    kind = lookup(ARCH_REGISTRY, section, 'network')
    check_arguments(kind, section, 'network')
    arguments = {key: value for key, value in section.items() if key != 'type'}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', 'torch.meshgrid', UserWarning)  # BasicSR's SwinIR
            network: nn.Module = kind(**arguments)
    except (TypeError, ValueError, AssertionError, KeyError, OSError) as error:
        raise OptionError(f'network: {section["type"]} cannot be built: {" ".join(str(error).split())}') from None
    return network


def _said(image: Tensor) -> str:
    return ' x '.join(map(str, image.shape))
