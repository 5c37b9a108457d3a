"""LDNLight on tiles: what it observes on the whole photo is as large as the photo, all else is as large as a tile."""

import torch
from torch import Tensor

from spikereveal_plugin.archs.ldn_light_arch import Encoded, LDNLight
from spikereveal_plugin.archs.light_change_arch import UPSCALE, Photo
from spikereveal_plugin.inference.engines.engine import Engine
from spikereveal_plugin.inference.engines.ldn_tiles import check_side, cut_tiles
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.physics.light_change import add_change

# Sensor pixels that a frame's pixel sees to each side: 1 + 2 by the first convolutions, 2 a residual block at half the
# size and their four convolutions there, 2 + 1 by the last; even, so that tiles are halved where the image is.
HALO = 20


class TiledLightEngine(Engine):
    """LDNLight tile by tile; threshold and change of light are those of the whole photo.

    Args:
        network: in evaluation mode, on `device`.
        device: where to compute; the frame is put together on the CPU.
        tile: side of a tile in image pixels, a multiple of 8, 64 or more.
        density: how dense the network wants spikes to be.

    Raises:
        OptionError: the tile's side is another number.
    """

    def __init__(self, network: LDNLight, device: torch.device, tile: int, density: Density = AS_RECORDED) -> None:
        check_side(tile, 2 * UPSCALE)
        super().__init__(network, density)
        self._network, self._device, self._side = network, device, tile // UPSCALE

    def encode(self, blur: Tensor, long_rate: Tensor) -> Encoded:
        return self._network.encode(blur.to(self._device), long_rate.to(self._device))

    def frame(self, encoded: Encoded, window: Tensor) -> Tensor:
        network, photo, window = self._network, encoded.photo, window.to(self._device)
        change = network.light.changes(photo, window[:, None])
        frame = add_change(encoded.blur, change, photo.colours)[:, 0].cpu()
        for tile in cut_tiles(window.shape[2], window.shape[3], self._side, HALO):
            around = Photo(
                tile.outer(photo.long_rate), photo.threshold, photo.weights, tile.outer(photo.noise), photo.colours
            )
            correction = network.correction(
                tile.outer(encoded.features), around, tile.outer(change), tile.outer(window)
            )
            whole = tile.outer(frame, UPSCALE)
            tile.put(frame, tile.inner(whole + correction.cpu(), UPSCALE), UPSCALE)
        return frame
