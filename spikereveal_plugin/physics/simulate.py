"""The paper's simulated spike camera: integrate light, fire, keep the remainder, then inherent noise."""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from spikereveal_plugin.physics.fixed_pattern import FixedPattern

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
        dark_current: what a pixel collects in the dark, in units of full light, in [0, 1); 0 in the paper.
        shot_electrons: electrons that full light frees in one readout. Their number is Poisson-distributed, so that a
            pixel's charge in one readout has the relative spread 1 / sqrt(light * shot_electrons). 0 turns it off.

    Raises:
        ValueError: a constant is out of its range.
    """

    threshold: float = 1.0
    noise_gap_mean: float = 140.0
    noise_gap_std: float = 50.0
    dark_current: float = 0.0
    shot_electrons: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.threshold < math.inf:
            raise ValueError(f'spike camera: threshold must be positive and finite, got {self.threshold}')
        if not 1 <= self.noise_gap_mean < math.inf:
            raise ValueError(f'spike camera: noise_gap_mean must be finite and 1 or more, got {self.noise_gap_mean}')
        if not 0 <= self.noise_gap_std < math.inf:
            raise ValueError(f'spike camera: noise_gap_std must be finite and 0 or more, got {self.noise_gap_std}')
        if not 0 <= self.dark_current < 1:
            raise ValueError(f'spike camera: dark_current must be in [0, 1) of full light, got {self.dark_current}')
        if not 0 <= self.shot_electrons < math.inf:
            raise ValueError(f'spike camera: shot_electrons must be finite and 0 or more, got {self.shot_electrons}')

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
        pattern: how the pixels differ; all alike by default, as in the paper.
        generator: source of the shot noise, on the device of `start`; needed only with `camera.shot_electrons`.

    Raises:
        ValueError: `start` is not a floating (h, w) tensor within [0, 1], `pattern` has another size, or the generator
            is missing.
    """

    def __init__(
        self,
        camera: SpikeCamera,
        start: Tensor,
        pattern: FixedPattern | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        if start.dim() != 2:
            raise ValueError(f'start light: expected (h, w), got shape {tuple(start.shape)}')
        if pattern is not None and pattern.response.shape != start.shape:
            raise ValueError(
                f'fixed pattern: maps of {tuple(pattern.response.shape)} pixels, the sensor has {tuple(start.shape)}'
            )
        if camera.shot_electrons and generator is None:
            raise ValueError('shot noise is random: give a generator')
        self.camera = camera
        self._generator = generator
        self._pattern = pattern and FixedPattern(pattern.response.double(), pattern.dark.double())
        # Double precision: a rounding error of the accumulated voltage would move spikes of a long stream.
        self._voltage = torch.zeros_like(start, dtype=torch.float64)
        self._charged, self._fired = torch.empty_like(self._voltage), torch.empty_like(self._voltage)
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
        charge = self._charge(self._charged.copy_(light))
        at_most_once = self._fires_at_most_once(charge)
        self._voltage += charge.mul_(self.camera.gain)
        fired = torch.gt(self._voltage, self.camera.voltage, out=self._fired)  # as 0. and 1.: faster than as bool
        if at_most_once:
            self._voltage.sub_(fired, alpha=self.camera.voltage)
        else:
            kept = self._voltage.remainder(self.camera.voltage)
            self._voltage = torch.where(fired.bool(), kept, self._voltage)
        return fired.bool()

    def _charge(self, light: Tensor) -> Tensor:
        """Return what the pixels collect in one readout, in units of full light; in the paper it is `light`."""
        if self._pattern is not None:
            light = self._pattern(light)
        if self.camera.dark_current:
            light = light + self.camera.dark_current
        if self.camera.shot_electrons:
            light = shot_noise(light, self.camera.shot_electrons, self._generator)
        return light

    def _fires_at_most_once(self, charge: Tensor) -> bool:
        """Whether A stays below 2 V, so that A mod V is A - V, which is exact and ten times as fast."""
        is_plain = self._pattern is None and not self.camera.dark_current and not self.camera.shot_electrons
        most = 1.0 if is_plain else float(charge.max())
        return most * self.camera.gain < self.camera.voltage


def shot_noise(charge: Tensor, electrons: float, generator: torch.Generator | None) -> Tensor:
    """Draw the Poisson number of electrons that make up a charge (photons and dark electrons arrive independently).

    Args:
        charge: mean charge, in units of full light, 0 or more.
        electrons: how many electrons one unit is, positive.
        generator: source of randomness, on the device of `charge`.

    Returns:
        The drawn charge, in the same unit.
    """
    return torch.poisson(charge * electrons, generator=generator) / electrons


def random_start(height: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw the random light that sets the pixels' phases before the first readout.

    Returns:
        (height, width) float32, uniform in [0, 1), on the generator's device.
    """
    return torch.rand(height, width, generator=generator, device=generator.device)


def simulate_spikes(
    frames: Tensor, camera: SpikeCamera, generator: torch.Generator, pattern: FixedPattern | None = None
) -> Tensor:
    """Simulate a whole stream without inherent noise; `|` it with `inherent_noise` for the paper's streams.

    Args:
        frames: (T, h, w), floating, light in [0, 1], one frame a readout.
        camera: the constants.
        generator: source of the random phases and the shot noise, on the device of `frames`.
        pattern: how the pixels differ; all alike by default.

    Returns:
        (T, h, w) bool, true where a pixel fires.

    Raises:
        ValueError: `frames` is not a floating (T, h, w) tensor within [0, 1] with at least one frame.
    """
    if frames.dim() != 3 or len(frames) == 0:
        raise ValueError(f'frames: expected (T, h, w) with T of 1 or more, got shape {tuple(frames.shape)}')
    start = random_start(frames.shape[1], frames.shape[2], generator)
    integrator = SpikeIntegrator(camera, start, pattern, generator)
    spikes = torch.empty(frames.shape, dtype=torch.bool, device=frames.device)
    for readout, frame in enumerate(frames):
        spikes[readout] = integrator.step(frame)
    return spikes


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
