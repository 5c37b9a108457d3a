"""What LDNPlus may start as: PSNR of photo times ratio of firing rates, by short window and by what is added to both.

    spikereveal data simulate hero7.mp4 --test max-heromode.mp4 --factor 8 --resize 720 1280 --flow fast \\
        -o datasets/clips
    python tests/benchmarks/bench_gain.py --data datasets/clips/test --samples 3

A sample's spikes are raised to thresholds 1, 2 and 4, then made as dense as those of threshold 1. Middle frames.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from spikereveal_plugin.data.spike_blur_dataset import SpikeBlurDataset
from spikereveal_plugin.physics.density import normalise_density, observed_threshold
from spikereveal_plugin.physics.exposure import Exposure
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate
from spikereveal_plugin.physics.threshold import raise_threshold

THRESHOLDS, ADDED = (1, 2, 4), (1e-9, 0.02, 0.05, 0.1)
WINDOWS = ((9,), (5,), (11,), (21,), (41,), (5, 11, 21, 41), (11, 21, 41))


def open_set(root: Path) -> SpikeBlurDataset:
    paths = {
        f'dataroot_{key}': str(root / f'{name}.lmdb')
        for key, name in (('lq', 'blur'), ('spike', 'spike'), ('gt', 'sharp'))
    }
    return SpikeBlurDataset({'name': 'set', 'type': 'SpikeBlurDataset', 'io_backend': {'type': 'lmdb'}, **paths})


def psnr(image: Tensor, sharp: Tensor) -> float:
    return float(-10 * (image.clamp(0, 1) - sharp).square().mean().log10())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, required=True, help='a split of a data set, with sharp middle frames')
    parser.add_argument('--samples', type=int, default=3, help='so many, spread over the set')
    args = parser.parse_args()
    torch.manual_seed(0)
    data, scores = open_set(args.data), defaultdict(list)
    for number in range(args.samples):
        item = data[number * len(data) // args.samples]
        blur, sharp, exposure = item['lq'][None], item['gt'][None], Exposure(*item['exposure'].tolist())
        scores['photo', 0.0].append([psnr(blur, sharp)] * len(THRESHOLDS))
        rows = defaultdict(list)
        for factor in THRESHOLDS:
            phase = torch.randint(0, factor, item['spike'].shape[1:])
            spikes = raise_threshold(item['spike'], factor, phase)[None].float()
            spikes = normalise_density(spikes, observed_threshold(blur, exposure_rate(spikes, exposure)))
            long_rate = exposure_rate(spikes, exposure)
            for added in ADDED:
                for windows in WINDOWS:
                    gains = [(firing_rate(spikes, exposure.centre, n) + added) / (long_rate + added) for n in windows]
                    gain = F.interpolate(torch.stack(gains).mean(0), size=blur.shape[2:], mode='bilinear')
                    rows[windows, added].append(psnr(blur * gain, sharp))
        for row, values in rows.items():
            scores[row].append(values)
    print(f'{"short windows":>16} {"added":>6}', *(f'{t:>6}' for t in THRESHOLDS))
    for (windows, added), values in scores.items():
        means = torch.tensor(values).mean(0).tolist()
        name = windows if isinstance(windows, str) else ' '.join(map(str, windows))
        print(f'{name:>16} {added:6.2f}', *(f'{mean:6.2f}' for mean in means))


if __name__ == '__main__':
    main()
