"""LDN on a CPU with Winograd convolutions, past what direct ones can reach."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from spikereveal_plugin.archs.ldn_arch import LDN
from spikereveal_plugin.inference.engines.engine import Engine
from spikereveal_plugin.inference.engines.ldn_stages import LdnEncode
from spikereveal_plugin.inference.engines.winograd_kernels import (
    Array,
    Convolution,
    LastConvolution,
    convolve,
    convolve_to_frame,
)
from spikereveal_plugin.inference.engines.winograd_lanes import PLANES, TILE
from spikereveal_plugin.physics.density import AS_RECORDED, Density

# G of F(6, 3) at the points 0, 1, -1, 2, -2, 1/2, -1/2 and infinity
KERNEL_TRANSFORM = torch.tensor(
    [
        *([1, 0, 0], [-2 / 9, -2 / 9, -2 / 9], [-2 / 9, 2 / 9, -2 / 9], [1 / 90, 1 / 45, 2 / 45]),
        *([1 / 90, -1 / 45, 2 / 45], [32 / 45, 16 / 45, 8 / 45], [32 / 45, -16 / 45, 8 / 45], [0, 0, 1]),
    ],
    dtype=torch.float64,
)
Layer = tuple[Array, Array]  # transformed kernel and bias


def transform_kernel(weight: Tensor) -> Array:
    """Return Winograd's (64, in, out) of a convolution's weight (out, in, 3, 3)."""
    planes = torch.einsum('ai,kcij,bj->abck', KERNEL_TRANSFORM, weight.double(), KERNEL_TRANSFORM)
    return _array(planes.reshape(PLANES, weight.shape[1], weight.shape[0]).float())


def as_convolution(up: nn.ConvTranspose2d) -> Tensor:
    """Return the 3x3 convolution (2, 2, out, in, 3, 3) that makes the 2 x 2 pixels of each pixel, exactly.

    Pixel 2 i + a of a transposed 5x5 convolution of stride 2 and padding 2 sees pixels i + d, d in -1, 0, 1, by the
    weights a + 2 - 2 d, where there are such.
    """
    weight = up.weight.detach()  # (in, out, 5, 5)
    kernel = weight.new_zeros(2, 2, weight.shape[1], weight.shape[0], 3, 3)
    for row, column, y, x in np.ndindex(2, 2, 3, 3):
        down, right = row + 4 - 2 * y, column + 4 - 2 * x
        if down < 5 and right < 5:
            kernel[row, column, :, :, y, x] = weight[:, :, down, right].T
    return kernel


class Encoded(NamedTuple):
    """What all instants of a photo share, and room for the features of the one at work."""

    base: Tensor
    features: Tensor
    room: tuple[Array, Array, Array]


class WinogradEngine(Engine):
    """LDN on the CPU: the photo's branch and attention in PyTorch, an instant's wide convolutions by Winograd.

    It has as many threads as PyTorch. The first frame ever compiles, which takes seconds; the kernels are kept.
    The network's `num_feat` is a multiple of 4 (`runs_by_winograd`).
    """

    def __init__(self, network: LDN, density: Density = AS_RECORDED) -> None:
        super().__init__(network, density)
        self._network = network
        self._encode = LdnEncode(network)
        self._blocks = [(_layer(block.conv1), _layer(block.conv2)) for block in network.blocks]
        self._up = transform_kernel(as_convolution(network.up1).flatten(0, 2)), np.tile(_array(network.up1.bias), 4)
        last = as_convolution(network.up2).permute(2, 0, 1, 3, 4, 5)  # a channel's four pixels side by side
        self._last = transform_kernel(last.flatten(0, 2)), np.repeat(_array(network.up2.bias), 4)
        self._weight = np.repeat(_array(network.last.weight[:, 3:, 0, 0]), 4, axis=1)

    def encode(self, blur: Tensor, long_rate: Tensor) -> Encoded:
        base, features = self._encode(blur.contiguous(memory_format=torch.channels_last), long_rate)
        (height, width), wide, narrow = features.shape[2:], self._blocks[0][0][1].size, self._up[1].size // 4
        shapes = (height, 1, width, 1, wide), (height, 1, width, 1, wide), (height, 2, width, 2, narrow)
        first, second, raised = (np.empty(shape, np.float32) for shape in shapes)
        return Encoded(base.contiguous(), features, (first, second, raised))

    def frame(self, encoded: Encoded, window: Tensor) -> Tensor:
        network = self._network
        x = network.join(encoded.features, window.contiguous(memory_format=torch.channels_last))
        x = network.spatial_attention(network.channel_attention(x))
        frame = torch.empty_like(encoded.base)
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            self._decode(pool, _array(x[0].permute(1, 2, 0)), encoded, frame)
        return frame

    def _decode(self, pool: ThreadPoolExecutor, image: Array, encoded: Encoded, frame: Tensor) -> None:
        """Write the frame from features (H, W, 4 num_feat) after attention."""
        middle, target, raised = encoded.room
        for first, second in self._blocks:  # from the second block on, the target is its residual too
            _share(pool, convolve, Convolution(image, *first, middle, image, adds=False))
            _share(pool, convolve, Convolution(_image(middle), *second, target, image, adds=True))
            image = _image(target)
        _share(pool, convolve, Convolution(image, *self._up, raised, image, adds=False))
        last = LastConvolution(_image(raised), *self._last, self._weight, encoded.base[0].numpy(), frame[0].numpy())
        _share(pool, convolve_to_frame, last)


def _share(pool: ThreadPoolExecutor, kernel: Callable[..., None], layer: Convolution | LastConvolution) -> None:
    """Run a layer, each thread a part of the tiles."""
    height, width, _ = layer.source.shape
    tiles, count = -(-height // TILE) * -(-width // TILE), torch.get_num_threads()
    ends = [tiles * number // count for number in range(count + 1)]
    for _ in pool.map(lambda first, stop: kernel(layer, first, stop), ends[:-1], ends[1:]):
        pass


def _image(target: Array) -> Array:
    """Return `Convolution.target` as an image."""
    height, down, width, right, channels = target.shape
    return target.reshape(height * down, width * right, channels)


def _layer(convolution: Any) -> Layer:
    return transform_kernel(convolution.weight.detach()), _array(convolution.bias)


def _array(tensor: Tensor | None) -> Array:
    if tensor is None:
        raise TypeError('winograd: expected a layer with a bias')
    return np.ascontiguousarray(tensor.detach().numpy())
