"""The paper's simulated spike camera: integrate light, fire, keep the remainder, then inherent noise."""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

READOUT_SECONDS: Final = 2 / 1e7
QUANTUM_EFFICIENCY: Final = 1.09e-13
WAVELENGTH: Final = 1.83e-4
CAPACITANCE: Final = 1.5e-14
FULL_LIGHT: Final = 250
VOLTAGE_PER_THRESHOLD: Final = 2.0


@dataclass(frozen=True)
class SpikeCamera:
    """A spike camera's constants.

    Args:
        threshold: the paper's theta (1, 2 or 4 in its Table 1); the firing rate is about light / threshold.
        noise_gap_mean: mean distance of two noise spikes in the flattened (h, w, T) volume, in readouts, 1 or more.
        noise_gap_std: standard deviation of that distance, 0 or more.

    Raises:
        ValueError: a constant is out of its range.
    """

    threshold: float = 1.0
    noise_gap_mean: float = 140.0
    noise_gap_std: float = 50.0

    def __post_init__(self) -> None:
        if not 0 < self.threshold < math.inf:
            raise ValueError(f'spike camera: threshold must be positive and finite, got {self.threshold}')
        if not 1 <= self.noise_gap_mean < math.inf:
            raise ValueError(f'spike camera: noise_gap_mean must be finite and 1 or more, got {self.noise_gap_mean}')
        if not 0 <= self.noise_gap_std < math.inf:
            raise ValueError(f'spike camera: noise_gap_std must be finite and 0 or more, got {self.noise_gap_std}')

    @property
    def gain(self) -> float:
        """Voltage that full light adds in one readout, K = 250 dt eta / (lambda C), about 1.985."""
        return FULL_LIGHT * READOUT_SECONDS * QUANTUM_EFFICIENCY / (WAVELENGTH * CAPACITANCE)

    @property
    def voltage(self) -> float:
        """Voltage V above which a pixel fires, 2 theta."""
        return VOLTAGE_PER_THRESHOLD * self.threshold


class SpikeIntegrator:
    """The camera's pixels between readouts, for frames that arrive one at a time (Eq. 1).

    Args:
        camera: the constants.
        start: (h, w), light in [0, 1] of one readout before the first; what it fires is dropped, what it leaves stays.

    Raises:
        ValueError: `start` is not a floating (h, w) tensor within [0, 1].
    """

    def __init__(self, camera: SpikeCamera, start: Tensor) -> None:
        if start.dim() != 2:
            raise ValueError(f'start light: expected (h, w), got shape {tuple(start.shape)}')
        self.camera = camera
        # Double precision: a rounding error of the accumulated voltage would move spikes of a long stream.
        self._voltage = torch.zeros_like(start, dtype=torch.float64)
        self.step(start)

    def step(self, light: Tensor) -> Tensor:
        """Read the pixels out once: A += I K; fire where A > V, and keep A mod V there.

        Args:
            light: (h, w), floating, in [0, 1].

        Returns:
            (h, w) bool, true where a pixel fires.

        Raises:
            ValueError: the light has another size or type, leaves [0, 1], or is not a number.
        """
        _check_light(light)
        if light.shape != self._voltage.shape:
            raise ValueError(f'light: expected shape {tuple(self._voltage.shape)}, got {tuple(light.shape)}')
        voltage = self._voltage + light.to(self._voltage) * self.camera.gain
        fired = voltage > self.camera.voltage
        self._voltage = torch.where(fired, voltage.remainder(self.camera.voltage), voltage)
        return fired


def random_start(height: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw the random light that sets the pixels' phases before the first readout.

    Returns:
        (height, width) float32, uniform in [0, 1), on the generator's device.
    """
    return torch.rand(height, width, generator=generator, device=generator.device)


def simulate_spikes(frames: Tensor, camera: SpikeCamera, generator: torch.Generator) -> Tensor:
    """Simulate a whole stream without inherent noise; `|` it with `inherent_noise` for the paper's streams.

    Args:
        frames: (T, h, w), floating, light in [0, 1], one frame a readout.
        camera: the constants.
        generator: source of the random phases, on the device of `frames`.

    Returns:
        (T, h, w) bool, true where a pixel fires.

    Raises:
        ValueError: `frames` is not a floating (T, h, w) tensor within [0, 1] with at least one frame.
    """
    if frames.dim() != 3 or len(frames) == 0:
        raise ValueError(f'frames: expected (T, h, w) with T of 1 or more, got shape {tuple(frames.shape)}')
    integrator = SpikeIntegrator(camera, random_start(frames.shape[1], frames.shape[2], generator))
    return torch.stack([integrator.step(frame) for frame in frames])


def inherent_noise(
    num_readouts: int, height: int, width: int, camera: SpikeCamera, generator: torch.Generator
) -> Tensor:
    """Draw the camera's inherent noise: spikes at Gaussian distances along the flattened (h, w, T) volume.

    Returns:
        (num_readouts, height, width) bool, contiguous, on the generator's device.

    Raises:
        ValueError: a size is below 1.
    """
    if min(num_readouts, height, width) < 1:
        raise ValueError(f'noise: expected sizes of 1 or more, got ({num_readouts}, {height}, {width})')
    volume = torch.zeros(height * width * num_readouts, dtype=torch.bool, device=generator.device)
    chunk = int(volume.numel() / camera.noise_gap_mean) + 64
    reached = 0.0
    while reached < volume.numel():
        draws = torch.randn(chunk, generator=generator, device=generator.device, dtype=torch.float64)
        places = noise_places(draws * camera.noise_gap_std + camera.noise_gap_mean, reached)
        volume[places[places < volume.numel()].long()] = True
        reached = float(places[-1])
    return volume.view(height, width, num_readouts).permute(2, 0, 1).contiguous()


def noise_places(gaps: Tensor, reached: float) -> Tensor:
    """Sum gaps to places along the flattened volume; a gap below 1 becomes 1, so that places never repeat.

    Args:
        gaps: (N,) float64, distances drawn from the Gaussian.
        reached: place, not rounded, that earlier gaps came to; 0 at first.

    Returns:
        (N,) float64, strictly increasing places, not rounded; their floors are the indices.
    """
    return reached + gaps.clamp(min=1).cumsum(0)


def _check_light(light: Tensor) -> None:
    """Refuse light that a camera frame in [0, 1] cannot hold."""
    if not light.is_floating_point():
        raise ValueError(f'light: expected floating values in [0, 1], got {light.dtype}; divide 8-bit frames by 255')
    lowest, highest = (float(value) for value in light.aminmax())
    if not (lowest >= 0 and highest <= 1):  # written so that NaN fails it
        raise ValueError(f'light: expected values in [0, 1], got [{lowest}, {highest}]')
