"""LDN on tiles with overlap: memory follows the tile, and the frame is that of the whole image.

LDN's channel attention pools over the image, so a first pass over the tiles gathers average and maximum; the second
runs the rest on tiles that overlap by what its convolutions reach.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from spikereveal_plugin.archs.ldn_arch import LDN, UPSCALE
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.inference.engines.engine import Engine
from spikereveal_plugin.inference.engines.ldn_stages import LdnDecode, LdnEncode
from spikereveal_plugin.physics.density import AS_RECORDED, Density

MIN_TILE = 64
# Sensor pixels that a frame's pixel sees to each side: 2 by the branches (the photo's two 5x5 convolutions of stride 2
# reach 6 image pixels), 3 by spatial attention, 4 by the residual blocks, 2 by the transposed convolutions.
HALO = 11


@dataclass(frozen=True)
class Tile:
    """Rows and columns of the sensor: the tile, and the tile with its halo inside the image."""

    rows: slice
    columns: slice
    outer_rows: slice
    outer_columns: slice

    def outer(self, tensor: Tensor, ratio: int = 1) -> Tensor:
        """Cut the tile with its halo out of (..., ratio h, ratio w)."""
        return tensor[..., _times(self.outer_rows, ratio), _times(self.outer_columns, ratio)]

    def inner(self, tensor: Tensor, ratio: int = 1) -> Tensor:
        """Cut the tile out of what was computed from `outer`."""
        rows = slice(self.rows.start - self.outer_rows.start, self.rows.stop - self.outer_rows.start)
        columns = slice(self.columns.start - self.outer_columns.start, self.columns.stop - self.outer_columns.start)
        return tensor[..., _times(rows, ratio), _times(columns, ratio)]

    def put(self, tensor: Tensor, part: Tensor, ratio: int = 1) -> None:
        """Write what `inner` cut out to its place in (..., ratio h, ratio w)."""
        tensor[..., _times(self.rows, ratio), _times(self.columns, ratio)] = part


def check_side(tile: int, multiple: int = UPSCALE) -> None:
    """Refuse a side of tiles that is not a multiple, 64 or more.

    Raises:
        OptionError: it is not.
    """
    if tile < MIN_TILE or tile % multiple:
        raise OptionError(f'tile {tile}: expected a multiple of {multiple}, {MIN_TILE} or more')


def cut_tiles(height: int, width: int, side: int, halo: int = HALO) -> Iterator[Tile]:
    """Yield tiles of at most `side` x `side` that cover `height` x `width` once."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            yield Tile(
                slice(top, bottom),
                slice(left, right),
                slice(max(0, top - halo), min(height, bottom + halo)),
                slice(max(0, left - halo), min(width, right + halo)),
            )


class TiledLdnEngine(Engine):
    """LDN tile by tile.

    Args:
        network: in evaluation mode, on `device`.
        device: where to compute; the frame is put together on the CPU.
        tile: side of a tile in image pixels, a multiple of 4, 64 or more.
        density: how dense the network wants spikes to be.

    Raises:
        OptionError: the tile's side is another number.
    """

    def __init__(self, network: LDN, device: torch.device, tile: int, density: Density = AS_RECORDED) -> None:
        check_side(tile)
        super().__init__(network, density)
        self._network, self._device, self._side = network, device, tile // UPSCALE
        self._encode, self._decode = LdnEncode(network), LdnDecode(network)

    def encode(self, blur: Tensor, long_rate: Tensor) -> Tensor:
        del long_rate  # LDN sees the window alone
        return blur

    def frame(self, encoded: Tensor, window: Tensor) -> Tensor:
        height, width = window.shape[2:]
        plan = list(cut_tiles(height, width, self._side))
        pooled = self._pool(encoded, window, plan)
        frame = torch.empty_like(encoded)
        for tile in plan:
            base, x = self._features(encoded, window, tile)
            whole = self._decode.refine(base, x, pooled)
            tile.put(frame, tile.inner(whole, UPSCALE), UPSCALE)
        return frame

    def _features(self, blur: Tensor, window: Tensor, tile: Tile) -> tuple[Tensor, Tensor]:
        """Return the last layer's part and the joined features of a tile with its halo."""
        base, features = self._encode(self._put(tile.outer(blur, UPSCALE)))
        return base, self._network.join(features, self._put(tile.outer(window)))

    def _pool(self, blur: Tensor, window: Tensor, plan: list[Tile]) -> tuple[Tensor, Tensor]:
        """Return average and maximum of the joined features over the whole image, (1, C, 1, 1) each."""
        total: Tensor | None = None
        maximum: Tensor | None = None
        for tile in plan:
            inner = tile.inner(self._features(blur, window, tile)[1])
            part, peak = inner.sum((2, 3), keepdim=True, dtype=torch.float64), inner.amax((2, 3), keepdim=True)
            total = part if total is None else total + part
            maximum = peak if maximum is None else torch.maximum(maximum, peak)
        if total is None or maximum is None:
            raise ValueError('tiles: the image has no pixel')
        return (total / window[0, 0].numel()).to(maximum.dtype), maximum

    def _put(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device).contiguous(memory_format=torch.channels_last)


def _times(span: slice, ratio: int) -> slice:
    return slice(span.start * ratio, span.stop * ratio)
