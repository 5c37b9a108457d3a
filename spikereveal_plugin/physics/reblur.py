"""How a sharp sequence becomes the blurry image again (Eq. 2)."""

from torch import Tensor


def reblur(frames: Tensor) -> Tensor:
    """Average the frames of an exposure.

    Args:
        frames: (B, N, C, H, W), N of 1 or more.

    Returns:
        (B, C, H, W).

    Raises:
        ValueError: `frames` has another number of axes, or no frame.
    """
    if frames.dim() != 5 or frames.shape[1] == 0:
        raise ValueError(f'reblur: expected (B, N, C, H, W) with N of 1 or more, got shape {tuple(frames.shape)}')
    return frames.mean(dim=1)
