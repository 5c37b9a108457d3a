"""Data path against the authors' way, in one run: python tests/benchmarks/bench_data.py

The baselines do what the released code does: a Python loop over readouts and bits to decode a `.dat`; for an item,
decode the whole PNG and the whole stream as float32, then crop. Medians of several runs; peak memory by tracemalloc.
"""

import random
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from spikereveal_plugin.archs import BSN
from spikereveal_plugin.data import SpikeBlurDataset
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdbWriter
from spikereveal_plugin.formats.vidar import read_vidar, write_vidar
from spikereveal_plugin.recordings.image_lmdb import ImageLmdbWriter

READOUTS, HEIGHT, WIDTH, CROP = 137, 180, 320, 128


def decode_by_loop(path: Path) -> np.ndarray:
    raw = np.fromfile(path, np.uint8)
    size = HEIGHT * WIDTH
    spikes = np.zeros((READOUTS, HEIGHT, WIDTH), np.float32)
    for readout in range(READOUTS):
        packed = raw[readout * size // 8 : (readout + 1) * size // 8]
        bits = np.zeros((size // 8, 8), np.uint8)
        for bit in range(8):
            bits[:, bit] = (packed >> bit) & 1
        spikes[readout] = np.flipud(bits.reshape(HEIGHT, WIDTH))
    return spikes


def item_by_whole_files(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    blur = cv2.imread(str(folder / 'blur.png')).astype(np.float32) / 255
    spikes = decode_by_loop(folder / 'spikes.dat')
    top, left = random.randint(0, HEIGHT - CROP), random.randint(0, WIDTH - CROP)
    image = blur[4 * top : 4 * (top + CROP), 4 * left : 4 * (left + CROP)].transpose(2, 0, 1)
    window = spikes[:, top : top + CROP, left : left + CROP]
    return torch.from_numpy(image.copy()), torch.from_numpy(window.copy())


def milliseconds(work: Callable[[], object], runs: int = 11) -> float:
    work()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def megabytes(work: Callable[[], object]) -> float:
    work()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def make_files(folder: Path) -> SpikeBlurDataset:
    generator = np.random.default_rng(0)
    spikes = generator.random((READOUTS, HEIGHT, WIDTH)) < 0.4
    smooth = cv2.resize(generator.integers(0, 256, (90, 160, 3), np.uint8), (4 * WIDTH, 4 * HEIGHT))
    cv2.imwrite(str(folder / 'blur.png'), smooth)
    write_vidar(folder / 'spikes.dat', spikes)
    with SpikeLmdbWriter(folder / 'spike.lmdb') as writer:
        writer.put('a/0', spikes, 20, 97)
    with ImageLmdbWriter(folder / 'blur.lmdb', 'ppm') as writer:
        writer.put('a/0', smooth[:, :, ::-1])
    roots = {'dataroot_lq': str(folder / 'blur.lmdb'), 'dataroot_spike': str(folder / 'spike.lmdb')}
    opt = {
        'name': 'bench',
        'type': 'SpikeBlurDataset',
        'phase': 'train',
        'io_backend': {'type': 'lmdb'},
        'gt_size': 4 * CROP,
        **roots,
    }
    return SpikeBlurDataset({**opt, 'use_hflip': True, 'use_rot': True})


def row(name: str, theirs: float, ours: float, unit: str) -> None:
    print(f'| {name} | {theirs:.1f} {unit} | {ours:.2f} {unit} | {theirs / ours:.1f}x |')


def main() -> None:
    torch.set_num_threads(1)
    print("| what | authors' way | here | ratio |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = make_files(folder)
        dat = folder / 'spikes.dat'
        theirs, ours = (lambda: decode_by_loop(dat)), (lambda: read_vidar(dat, HEIGHT, WIDTH))
        row('decode a .dat of 137 x 180 x 320', milliseconds(theirs), milliseconds(ours), 'ms')
        theirs, ours = (lambda: item_by_whole_files(folder)), (lambda: dataset[0])
        row('one training item, crop 512', milliseconds(theirs), milliseconds(ours), 'ms')
        row('its peak memory', megabytes(theirs), megabytes(ours), 'MB')
    rate = torch.rand(1, 1, HEIGHT, WIDTH)
    padded, plain = BSN(square_padding=True), BSN()
    with torch.no_grad():
        times = [milliseconds(lambda net=net: net(rate), runs=3) for net in (padded, plain)]
    row('BSN on 180 x 320, padded to a square or not', *times, 'ms')


if __name__ == '__main__':
    main()
