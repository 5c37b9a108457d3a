"""What the spike camera, which has no colour filter, sees of a colour image; tensors or arrays."""

from typing import Final

from spikereveal_plugin.physics.array import Array

GRAY_WEIGHTS: Final = (0.30, 0.59, 0.11)


def gray(image: Array) -> Array:
    """Weigh the channels: 0.30 R + 0.59 G + 0.11 B.

    Args:
        image: (..., 3, H, W), RGB, floating.

    Returns:
        (..., 1, H, W), in the range of `image`.

    Raises:
        ValueError: `image` does not have three channels, or is not floating.
    """
    if image.ndim < 3 or image.shape[-3] != 3:
        raise ValueError(f'gray: expected (..., 3, H, W) RGB, got shape {tuple(image.shape)}')
    if 'float' not in str(image.dtype):
        raise ValueError(f'gray: expected floating values, got {image.dtype}; divide 8-bit images by 255')
    red, green, blue = (weight * image[..., channel, :, :] for channel, weight in enumerate(GRAY_WEIGHTS))
    return (red + green + blue)[..., None, :, :]
