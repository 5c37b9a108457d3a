"""The sRGB curve (IEC 61966-2-1): what a picture file stores against the light that fell; tensors or arrays."""

from spikereveal_plugin.physics.array import Array


def srgb_to_linear(value: Array) -> Array:
    """Undo the curve: v / 12.92 up to 0.04045, ((v + 0.055) / 1.055)^2.4 above.

    Args:
        value: stored values, floating, in [0, 1].

    Returns:
        Light, in [0, 1].
    """
    is_low = value <= 0.04045
    return is_low * (value / 12.92) + ~is_low * (((value.clip(min=0.04045) + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: Array) -> Array:
    """Apply the curve: 12.92 l up to 0.0031308, 1.055 l^(1 / 2.4) - 0.055 above.

    Args:
        light: floating, in [0, 1].

    Returns:
        Values to store, in [0, 1].
    """
    is_low = light <= 0.0031308
    return is_low * (12.92 * light) + ~is_low * (1.055 * light.clip(min=0.0031308) ** (1 / 2.4) - 0.055)
