"""Camera shake: a photograph seen through a view that moves and turns a little at each readout."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float64]

WAVES = 3  # sine waves that a motion is the sum of
CYCLES = 1.5  # how many cycles the fastest of them goes through in a recording


@dataclass(frozen=True)
class Trajectory:
    """Where the view is at each readout: `x`, `y` in view pixels, `angle` clockwise in radians; (T,) each."""

    x: Vector
    y: Vector
    angle: Vector

    def length(self, first: int, count: int) -> float:
        """Length in pixels of the path through readouts `first` ... `first + count - 1`."""
        part = slice(first, first + count)
        return float(np.hypot(np.diff(self.x[part]), np.diff(self.y[part])).sum())


def draw_trajectory(
    num_readouts: int, pixels_per_readout: float, max_degrees: float, generator: np.random.Generator
) -> Trajectory:
    """Draw a smooth path along a slowly bending line, at a varying speed, with a slight turn.

    Args:
        num_readouts: T.
        pixels_per_readout: mean speed.
        max_degrees: bound of the turn to either side.
        generator: source of randomness.
    """
    heading = generator.uniform(0, 2 * math.pi) + 0.6 * math.pi * _smooth_noise(num_readouts, generator)
    speed = 1 + 0.5 * _smooth_noise(num_readouts, generator)
    speed *= pixels_per_readout / speed.mean()
    x, y = np.cumsum(speed * np.cos(heading)), np.cumsum(speed * np.sin(heading))
    return Trajectory(x, y, math.radians(max_degrees) * _smooth_noise(num_readouts, generator))


def shaken_frames(
    photo: Image, height: int, width: int, trajectory: Trajectory, generator: np.random.Generator
) -> Iterator[Image]:
    """Yield the view at each readout, each sampled once from the photograph itself.

    The path is laid somewhere inside the photograph, so no border is ever seen. A photograph too small for that is
    enlarged by the same sampling.

    Args:
        photo: (H, W, 3) RGB.
        height: of the view.
        width: of the view.
        trajectory: the motion.
        generator: chooses the place in the photograph.

    Yields:
        (height, width, 3) RGB.
    """
    corners = _corner_paths(height, width, trajectory)
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    available = np.array([photo.shape[1] - 1, photo.shape[0] - 1], np.float64)
    zoom = max(1.0, *((high - low + 1) / available))
    offset = generator.uniform(0, 1, 2) * (available - (high - low) / zoom) - low / zoom
    for x, y, angle in zip(trajectory.x, trajectory.y, trajectory.angle, strict=True):
        turn = _rotation(angle) / zoom
        shift = np.array([x, y]) / zoom + offset - turn @ [(width - 1) / 2, (height - 1) / 2]
        view_to_photo = np.column_stack((turn, shift))
        yield cv2.warpAffine(
            photo,
            view_to_photo,
            (width, height),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )


def _corner_paths(height: int, width: int, trajectory: Trajectory) -> Vector:
    """Positions of the view's corners, (T, 4, 2), x before y, in view pixels."""
    half = np.array([(width - 1) / 2, (height - 1) / 2])
    corners = np.array([(-1, -1), (1, -1), (-1, 1), (1, 1)]) * half
    turns = np.stack([_rotation(angle) for angle in trajectory.angle])
    centres = np.stack((trajectory.x, trajectory.y), axis=-1)
    return centres[:, None] + np.einsum('tij,cj->tci', turns, corners)


def _rotation(angle: float) -> Vector:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def _smooth_noise(length: int, generator: np.random.Generator) -> Vector:
    """Sum of a few slow sine waves, (length,), in [-1, 1]."""
    time = np.linspace(0, 2 * math.pi, length)
    cycles = generator.uniform(0.2, CYCLES, WAVES)
    phases = generator.uniform(0, 2 * math.pi, WAVES)
    return np.sin(cycles[:, None] * time + phases[:, None]).mean(axis=0)
