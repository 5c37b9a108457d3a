"""Any registered network by its weights: of photo and spikes, of an image, or of the photos of a sequence."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.physics.density import AS_RECORDED
from spikereveal_plugin.restorers.image_network import ImageNetwork
from spikereveal_plugin.restorers.kinds import DensityOptions, register
from spikereveal_plugin.restorers.networks import load_frozen, weights_file
from spikereveal_plugin.restorers.restorer import Restorer


@register('arch')
@dataclass(frozen=True, kw_only=True)
class ArchOptions(DensityOptions):
    """`type: arch`: any registered network with its weights; one that takes a window of spikes is run as a student."""

    network: Mapping[str, Any]
    """`type` and arguments"""
    weights: str
    """a file or a registered name"""
    param_key: str = 'params'
    """where the file holds the weights, as `path.param_key_g` of BasicSR"""
    photos: int | None = None
    """photos of the sequence that the network sees, the sample's own in the middle; by default its `num_frame`"""
    multiple: int = 1
    """what sides are padded to multiples of, and cropped again"""

    def build(self, device: torch.device) -> Restorer:
        loaded = load_frozen(self.network, 'network', self._path(), device, self.param_key)
        if describe(loaded.network).is_student:
            return build_engine('eager', loaded.network, device, None, self.wants(loaded))
        if self.wants() != AS_RECORDED:
            raise OptionError(f'density: {self.network["type"]} sees no spikes')
        photos = self.photos or (int(self.network['num_frame']) if 'num_frame' in self.network else None)
        return ImageNetwork(loaded.network, photos, self.multiple)

    def files(self) -> tuple[Path, ...]:
        return (self._path(),)

    def _path(self) -> Path:
        kind = self.network.get('type')
        return weights_file(self.weights, 'weights', kind if isinstance(kind, str) else None)
