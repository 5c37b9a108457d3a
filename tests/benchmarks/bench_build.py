"""A build against the authors' order of work, in one run: python tests/benchmarks/bench_build.py [CLIP] [--frames N]

The baseline does what the released scripts do: write every interpolated frame as a PNG; then read them again and
average each exposure; then read them once more, reduce them to gray at a quarter of the size, and simulate the spikes
of all readouts at once. It interpolates by the same optical flow, since XVFI would hide the rest. Each row runs in a
process of its own; memory is its peak above what the imports take. Without a clip, the frames are of a photograph.
"""

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import skimage

from spikereveal_plugin.building.build_pool import single_threaded, worker_context
from spikereveal_plugin.building.exposure_builder import Capture
from spikereveal_plugin.building.footage import find_footage
from spikereveal_plugin.building.interpolate import DisInterpolator
from spikereveal_plugin.building.schedule import Schedule
from spikereveal_plugin.building.simulate_footage import SimulateOptions, simulate_footage
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.image_file import load_image, save_image

FACTOR, LENGTH, MARGIN, STEP = 8, 97, 20, 104


def write_frames(clip: Path | None, count: int, folder: Path) -> None:
    """Write the footage that both build from."""
    if clip:
        frames = islice(find_footage([clip])[0].frames(), count)
    else:
        photo = load_image(Path(skimage.__file__).parent / 'data/coffee.png')
        photo = cv2.resize(photo, (960, 640), interpolation=cv2.INTER_CUBIC)
        frames = (np.ascontiguousarray(photo[60:540, index : index + 848]) for index in range(count))
    for index, frame in enumerate(frames):
        save_image(folder / f'{index:06d}.png', frame)


def interpolate_to_disk(frames: Path, between: Path) -> None:
    between.mkdir()
    files = sorted(frames.iterdir())
    method = DisInterpolator()
    for pair, names in enumerate(pairwise(files)):
        first, second = (np.ascontiguousarray(cv2.imread(str(name))[:, :, ::-1]) for name in names)
        for step, frame in enumerate(method(first, second, FACTOR)):
            image = np.rint(frame).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(between / f'{pair * FACTOR + step:06d}.png'), image[:, :, ::-1])
    shutil.copy(files[-1], between / f'{(len(files) - 1) * FACTOR:06d}.png')


def simulate_all_at_once(light: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    gain, voltage = 1.985, 2.0
    charge = gain * generator.random(light.shape[1:]) % voltage
    spikes = np.zeros(light.shape, bool)
    for readout, frame in enumerate(light):
        charge += gain * frame
        spikes[readout] = charge > voltage
        charge[spikes[readout]] %= voltage
    gaps = generator.normal(140, 50, spikes.size // 100).clip(1)
    places = np.cumsum(gaps).astype(int)
    noise = np.zeros(spikes.size, bool)
    noise[places[places < spikes.size]] = True
    return spikes | noise.reshape(*light.shape[1:], len(light)).transpose(2, 0, 1)


def authors_order(frames: Path, out: Path, exposures: int) -> int:
    """Build by way of the disk; returns the bytes that the interpolated frames took."""
    between = out / 'interpolated'
    interpolate_to_disk(frames, between)
    files = sorted(between.iterdir())
    size = sum(file.stat().st_size for file in files)
    for index in range(1, exposures + 1):
        first = index * STEP
        images = [cv2.imread(str(file)) for file in files[first : first + LENGTH]]
        cv2.imwrite(str(out / f'{index}.png'), np.rint(np.mean(images, axis=0)).astype(np.uint8))
    for index in range(1, exposures + 1):
        light = []
        for file in files[index * STEP - MARGIN : index * STEP + LENGTH + MARGIN]:
            image = cv2.imread(str(file)).astype(np.float64) / 255
            gray = image @ [0.11, 0.59, 0.30]
            light.append(cv2.resize(gray, (gray.shape[1] // 4, gray.shape[0] // 4)))
        write_vidar(out / f'{index}.dat', simulate_all_at_once(np.stack(light), np.random.default_rng(index)))
    shutil.rmtree(between)
    return size


def ours(frames: Path, out: Path, workers: int) -> int:
    simulate_footage([frames], out / 'set', SimulateOptions(factor=FACTOR, workers=workers))
    return 0


def measured(work: Callable[..., int], *arguments: object) -> tuple[float, float, float]:
    """Return seconds, megabytes of memory above the imports, megabytes of frames on the disk."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    with single_threaded():
        size = work(*arguments)
    seconds = time.perf_counter() - started
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, size / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('clip', nargs='?', type=Path, help='video or folder of frames')
    parser.add_argument('--frames', type=int, default=45, help='how many of its frames (default: %(default)s)')
    args = parser.parse_args()
    exposures = Schedule.for_factor(FACTOR, Capture()).check_length('footage', args.frames)
    print('| order of work | time | exposures a minute | ratio | memory | interpolated frames on disk |')
    print('| --- | --- | --- | --- | --- | --- |')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_frames(args.clip, args.frames, folder / 'frames')
        rows = (
            ("authors'", authors_order, exposures),
            ('streamed, 1 process', ours, 1),
            ('streamed, 2 processes', ours, 2),
        )
        reference = 0.0
        for number, (label, work, argument) in enumerate(rows):
            out = folder / f'{number}'
            out.mkdir()
            with ProcessPoolExecutor(1, worker_context()) as executor:
                executor.submit(int).result()  # so that imports are not timed
                seconds, memory, disk = executor.submit(measured, work, folder / 'frames', out, argument).result()
            reference = reference or seconds
            rate, ratio = 60 * exposures / seconds, reference / seconds
            memory_text = f'{memory:.0f} MB' if number < 2 else 'the same a process'
            print(
                f'| {label} | {seconds:.1f} s | {rate:.1f} | {ratio:.2f}x | {memory_text} | {disk:.0f} MB |', flush=True
            )


if __name__ == '__main__':
    main()
