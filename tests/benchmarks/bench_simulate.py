"""The simulated spike camera against the authors' way, in one run: python tests/benchmarks/bench_simulate.py

The baseline does what the released code does: float32 arrays, a Python loop over readouts with the remainder of every
pixel, and for the noise a Gaussian for each pixel of the volume, summed up and written one by one.
Medians of several runs, one thread, in processor time, so that a busy machine does not count.
The authors simulate no threshold below 1, fixed pattern or shot noise: those rows compare with their plain camera.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from spikereveal_plugin.physics.fixed_pattern import FixedPattern
from spikereveal_plugin.physics.simulate import SpikeCamera, inherent_noise, simulate_spikes

READOUTS, HEIGHT, WIDTH, GAIN, VOLTAGE = 137, 180, 320, 1.985, 2.0


def spikes_the_authors_way(frames: np.ndarray, with_noise: bool) -> np.ndarray:
    voltage = np.random.random(frames.shape[1:]) * GAIN
    spikes = np.zeros((HEIGHT, WIDTH, len(frames)), np.int16)
    for readout, frame in enumerate(frames):
        voltage = voltage + frame * GAIN
        spikes[:, :, readout] = voltage > VOLTAGE
        voltage = np.where(voltage > VOLTAGE, voltage % VOLTAGE, voltage)
    return np.bitwise_or(spikes, noise_the_authors_way(spikes.size).reshape(spikes.shape)) if with_noise else spikes


def noise_the_authors_way(size: int) -> np.ndarray:
    places = torch.normal(140.0, 50.0, size=(size,)).cumsum(0)
    noise = torch.zeros(size, dtype=torch.int16)
    noise[places[places < size - 1].long()] = 1
    return noise.numpy()


def readouts_per_second(work: Callable[[], object], runs: int = 9) -> float:
    work()
    times = []
    for _ in range(runs):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return READOUTS / statistics.median(times)


def ours(frames: torch.Tensor, camera: SpikeCamera, with_noise: bool, pattern: FixedPattern | None = None) -> object:
    generator = torch.Generator().manual_seed(0)
    spikes = simulate_spikes(frames, camera, generator, pattern)
    return spikes | inherent_noise(*spikes.shape, camera, generator) if with_noise else spikes


def main() -> None:
    torch.set_num_threads(1)
    frames = torch.rand(READOUTS, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    arrays = frames.numpy()
    theirs = {noise: readouts_per_second(lambda n=noise: spikes_the_authors_way(arrays, n)) for noise in (False, True)}
    pattern = FixedPattern(1 + 0.1 * (frames[0] - 0.5), 0.01 * frames[1])
    shot = SpikeCamera(shot_electrons=1000.0)
    rows = (
        ('no noise', SpikeCamera(), False, None),
        ('inherent noise (as published)', SpikeCamera(), True, None),
        ('threshold 0.5, no noise', SpikeCamera(threshold=0.5), False, None),
        ('fixed pattern, no noise', SpikeCamera(), False, pattern),
        ('shot noise of 1000 electrons, inherent noise', shot, True, None),
    )
    print(f"| readouts a second at {WIDTH} x {HEIGHT} | authors' way | here | ratio |\n| --- | --- | --- | --- |")
    for name, camera, noise, maps in rows:
        speed = readouts_per_second(lambda c=camera, n=noise, m=maps: ours(frames, c, n, m))
        print(f'| {name} | {theirs[noise]:.0f} | {speed:.0f} | {speed / theirs[noise]:.1f}x |')


if __name__ == '__main__':
    main()
