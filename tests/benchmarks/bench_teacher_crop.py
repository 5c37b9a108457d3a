"""How a teacher on a crop differs from a crop of the teacher on the whole image, by the distance from the border:

    python tests/benchmarks/bench_teacher_crop.py -opt options/ldn_gopro.yml --crop 256 --samples 2

Of the training set and the weights that the option file names. Crops lie at offsets whose place on the sensor is a
multiple of 4 (BSN halves its image twice, so that its grid is that of the whole image), and one pixel beside them.
Frames are in [0, 1]; 1/255 is a level of 8 bits.
"""

import argparse
from argparse import Namespace
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from spikereveal_plugin.data import SpikeBlurDataset
from spikereveal_plugin.models.teacher import build_cascade
from spikereveal_plugin.pipelines.setup import prepare_options
from spikereveal_plugin.shot import Shot

EDGES = (0, 4, 8, 16, 32, 64, 96, 128, 256)  # image pixels from the crop's border


def offsets(extent: int, side: int, step: int) -> tuple[int, int]:
    """On the sensor: the one nearest the middle that `step` divides, and the one after it."""
    aligned = (extent - side) // 2 // step * step
    return aligned, min(aligned + 1, extent - side)


def differences(args: argparse.Namespace) -> Iterator[tuple[bool, np.ndarray]]:
    """Whether the crop's offset is a multiple of 4, and (H, W) the largest difference of the three colours."""
    flags = Namespace(opt=args.opt, launcher='none', local_rank=None, auto_resume=False, debug=False)
    flags.force_yml = ['num_gpu=0', 'train:teacher=online', *args.force_yml]
    opt = prepare_options(flags, is_train=True)
    section = {key: value for key, value in opt['datasets']['train'].items() if key != 'dataroot_teacher'}
    dataset, teacher = SpikeBlurDataset({**section, 'phase': 'test'}), build_cascade(opt, torch.device('cpu'))
    ratio = teacher.capabilities.ratio or 1
    side = args.crop // ratio
    for index in np.linspace(0, len(dataset) - 1, args.samples).astype(int):
        item = dataset[int(index)]
        key, blur, spikes = item['lq_path'], item['lq'][None], item['spike'][None]
        exposure = dataset.exposure(key)
        instants = (exposure.centre,)
        whole = next(teacher.frames(Shot(blur, spikes, exposure), instants))
        places = zip(offsets(spikes.shape[2], side, 4), offsets(spikes.shape[3], side, 4), strict=True)
        for is_aligned, (top, left) in zip((True, False), places, strict=True):
            part = spikes[:, :, top : top + side, left : left + side]
            rows, columns = (slice(ratio * start, ratio * (start + side)) for start in (top, left))
            own = next(teacher.frames(Shot(blur[:, :, rows, columns], part, exposure), instants))
            yield is_aligned, (own - whole[:, :, rows, columns])[0].abs().amax(0).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('-opt', '--opt', required=True, type=Path, help='option file of a SpikeDistillModel')
    parser.add_argument('--crop', type=int, default=256, help='side of the crop in image pixels')
    parser.add_argument('--samples', type=int, default=2, help='of the training set, spread over it')
    parser.add_argument('--force_yml', nargs='+', default=[], metavar='KEY:KEY=VALUE')
    args = parser.parse_args()
    found: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for is_aligned, difference in differences(args):
        found[is_aligned].append(difference)
    line = np.minimum(np.arange(args.crop), np.arange(args.crop)[::-1])
    distance = np.minimum(line[:, None], line[None])
    print(
        '| pixels from the border | mean | max | mean, offset no multiple of 4 | max |\n| --- | --- | --- | --- | --- |'
    )
    for first, stop in pairwise(EDGES):
        ring = (distance >= first) & (distance < stop)
        if ring.any():
            parts = [np.concatenate([image[ring] for image in found[key]]) for key in (True, False)]
            cells = ' | '.join(f'{part.mean():.2g} | {part.max():.2g}' for part in parts)
            print(f'| {first} to {min(stop, distance.max() + 1) - 1} | {cells} |')


if __name__ == '__main__':
    main()
