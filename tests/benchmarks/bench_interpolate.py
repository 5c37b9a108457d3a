"""Interpolators on held-out middle frames: python tests/benchmarks/bench_interpolate.py CLIP.mp4 ...

Protocol: of frames i, i + d, i + 2 d (d = --distance, 1 by default: every second frame is dropped) the middle one is
made from the outer two and compared with the real one, 8-bit RGB, whole frame. The triplets are spread evenly over the
clip, or with --first are the first ones, i = 0, 1, 2, ... Which frames are taken matters more than the method: a clip's
start may move faster than the rest. Reported: the mean over triplets of each frame's PSNR, its median, and seconds a
frame on one thread.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from spikereveal_plugin.building.interpolate import DisInterpolator
from spikereveal_plugin.building.rife import RifeInterpolator

Image = np.ndarray


def load(path: Path, size: list[int] | None) -> list[Image]:
    video, frames = cv2.VideoCapture(str(path)), []
    while True:
        is_read, frame = video.read()
        if not is_read:
            return frames
        frame = cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_AREA) if size else frame
        frames.append(np.ascontiguousarray(frame[:, :, ::-1]))


def psnr(made: Image, real: Image) -> float:
    error = np.rint(made).clip(0, 255) - real.astype(np.float64)
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def average(first: Image, second: Image) -> Image:
    return first / 2.0 + second / 2.0


def middle(method: Callable) -> Callable[[Image, Image], Image]:
    return lambda first, second: list(method(first, second, 2))[1]


def main() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('clips', nargs='+', type=Path)
    parser.add_argument('--triplets', type=int, default=50)
    parser.add_argument('--distance', type=int, default=1, help='frames between an outer one and the middle')
    parser.add_argument('--first', action='store_true', help='take the first triplets instead of spreading them')
    parser.add_argument('--resize', nargs=2, type=int, metavar=('HEIGHT', 'WIDTH'))
    parser.add_argument('--methods', nargs='+', default=['average', 'dis-fast', 'dis', 'rife'])
    args = parser.parse_args()
    makers = {
        'average': lambda: average,
        'dis-fast': lambda: middle(DisInterpolator('fast')),
        'dis': lambda: middle(DisInterpolator('medium')),
        'rife': lambda: middle(RifeInterpolator()),
    }
    print('| clip | size | triplets | distance | method | PSNR, mean | median | s a frame |\n' + '| --- ' * 8 + '|')
    for clip in args.clips:
        frames = load(clip, args.resize)
        last = args.triplets - 1 if args.first else len(frames) - 1 - 2 * args.distance
        starts = np.unique(np.linspace(0, last, args.triplets).astype(int))
        for name in args.methods:
            method, scores, started = makers[name](), [], time.perf_counter()
            for start in starts:
                first, real, second = (frames[start + step * args.distance] for step in range(3))
                scores.append(psnr(method(first, second), real))
            seconds = (time.perf_counter() - started) / len(starts)
            height, width = frames[0].shape[:2]
            numbers = f'{np.mean(scores):.2f} | {np.median(scores):.2f} | {seconds:.2f}'
            print(
                f'| {clip.stem} | {width} x {height} | {len(starts)} | {args.distance} | {name} | {numbers} |',
                flush=True,
            )


if __name__ == '__main__':
    main()
