"""LDNPlus on tiles: what is larger than the features of the whole image is as large as a tile.

The features take as much room as the photo itself: 48 numbers for each sensor pixel, which is 16 pixels of 3. A
block's channel attention pools over the image, so each block is run in two passes over the tiles: the first ends where
the mean is needed, the second begins there. A tile needs one pixel more on each side, what a 3x3 convolution reaches.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.ldn_plus_arch import UPSCALE, LDNPlus
from spikereveal_plugin.archs.naf import NAFBlock
from spikereveal_plugin.inference.engines.engine import Engine
from spikereveal_plugin.inference.engines.ldn_tiles import Tile, check_side, cut_tiles
from spikereveal_plugin.physics.density import AS_RECORDED, Density

HALO = 1  # sensor pixels: of each 3x3 convolution, and of the gain's up-sampling


class TiledPlusEngine(Engine):
    """LDNPlus tile by tile.

    Args:
        network: in evaluation mode, on `device`.
        device: where to compute; the frame is put together on the CPU.
        tile: side of a tile in image pixels, a multiple of 4, 64 or more.
        density: how dense the network wants spikes to be.

    Raises:
        OptionError: the tile's side is another number.
    """

    def __init__(self, network: LDNPlus, device: torch.device, tile: int, density: Density = AS_RECORDED) -> None:
        check_side(tile)
        super().__init__(network, density)
        self._network, self._device, self._side = network, device, tile // UPSCALE

    def encode(self, blur: Tensor, long_rate: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        plan, long_rate = self._plan(long_rate), long_rate.to(self._device)

        def begin(tile: Tile) -> Tensor:
            return self._network.photo_features(tile.outer(blur, UPSCALE).to(self._device), tile.outer(long_rate))

        features = self._through(self._network.photo_blocks, _gather(plan, begin), plan)
        return blur, features, long_rate

    def frame(self, encoded: tuple[Tensor, Tensor, Tensor], window: Tensor) -> Tensor:
        (blur, features, long_rate), network = encoded, self._network
        plan, window = self._plan(window), window.to(self._device)

        def gains(tile: Tile) -> Tensor:
            return network.log_gains(tile.outer(window), tile.outer(long_rate))

        def begin(tile: Tile) -> Tensor:
            return network.join(tile.outer(features), tile.outer(window), gains(tile))

        x = self._through(network.blocks, _gather(plan, begin), plan)
        x = _gather(plan, lambda tile: network.last(tile.outer(x)))
        frame = torch.empty_like(blur)
        for tile in plan:
            photo = tile.outer(blur, UPSCALE).to(self._device)
            whole = network.compose(photo, gains(tile), tile.outer(x))
            tile.put(frame, tile.inner(whole, UPSCALE), UPSCALE)
        return frame

    def _plan(self, sensor: Tensor) -> Sequence[Tile]:
        return list(cut_tiles(sensor.shape[2], sensor.shape[3], self._side, HALO))

    def _through(self, blocks: nn.Sequential, x: Tensor, plan: Sequence[Tile]) -> Tensor:
        for block in blocks:
            x = _run_block(block, x, plan)
        return x


def _run_block(block: nn.Module, x: Tensor, plan: Sequence[Tile]) -> Tensor:
    """Return `block(x)`, its largest tensors as large as a tile."""
    if not isinstance(block, NAFBlock):
        raise TypeError(f'tiles: expected a NAFBlock, got {type(block).__name__}')
    spread = _gather(plan, lambda tile: block.spread(tile.outer(x)))
    pooled = spread.mean((2, 3), keepdim=True)
    return _gather(plan, lambda tile: block.settle(tile.outer(x), tile.outer(spread), pooled))


def _gather(plan: Sequence[Tile], function: Callable[[Tile], Tensor]) -> Tensor:
    """Put together what a function makes of each tile with its halo, (1, C, H, W)."""
    whole: Tensor | None = None
    for tile in plan:
        part = tile.inner(function(tile))
        if whole is None:
            height, width = plan[-1].rows.stop, plan[-1].columns.stop
            whole = part.new_empty((1, part.shape[1], height, width)).contiguous(memory_format=torch.channels_last)
        tile.put(whole, part)
    if whole is None:
        raise ValueError('tiles: the image has no pixel')
    return whole
