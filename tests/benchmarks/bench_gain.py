"""Which short window SDM should take its rate from, flat or tapered: PSNR of photo times ratio of firing rates.

    for t in 1 2 4; do spikereveal data simulate hero7.mp4 --test max-heromode.mp4 --factor 8 --resize 720 1280 \\
        --flow fast --threshold $t -o datasets/clips$([ $t = 1 ] || echo _theta$t); done
    python tests/benchmarks/bench_gain.py --data datasets/clips{,_theta2,_theta4}/test --every 3

Spikes are made as dense as those of threshold 1 first; middle frames.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from spikereveal_plugin.archs import LDNPlus, TaperedSDM
from spikereveal_plugin.data.spike_blur_dataset import SpikeBlurDataset
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.density import normalise_density
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.physics.sdm import spike_guided_deblur, upsample_rate
from spikereveal_plugin.physics.taper import floored_gain
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate, spike_window

FLAT, SIGMAS = (9, 21, 41), (2.5, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0)


def open_set(root: Path) -> SpikeBlurDataset:
    paths = {
        f'dataroot_{key}': str(root / f'{name}.lmdb')
        for key, name in (('lq', 'blur'), ('spike', 'spike'), ('gt', 'sharp'))
    }
    return SpikeBlurDataset({'name': 'set', 'type': 'SpikeBlurDataset', 'io_backend': {'type': 'lmdb'}, **paths})


def psnr(image: Tensor, sharp: Tensor) -> float:
    return float(-10 * (image.clamp(0, 1) - sharp).square().mean().log10())


def rows(blur: Tensor, recorded: Tensor, exposure: Exposure) -> dict[str, Tensor]:
    """Every way's frame, by its name."""
    size, centre = blur.shape[2:], exposure.centre
    frames = {'photo': blur}
    rates = [
        upsample_rate(rate, *size) for rate in (exposure_rate(recorded, exposure), firing_rate(recorded, centre, 9))
    ]
    frames['SDM, 9 readouts, as recorded'] = spike_guided_deblur(blur, *rates)
    spikes = normalise_density(recorded, observed_threshold(blur, exposure_rate(recorded, exposure)))
    long_rate, window = exposure_rate(spikes, exposure), spike_window(spikes, centre, 41)
    for length in FLAT:
        gain = floored_gain(firing_rate(spikes, centre, length), long_rate)
        frames[f'flat, {length} readouts'] = blur * F.interpolate(gain, size=size, mode='bilinear')
    for sigma in SIGMAS:
        frames[f'tapered, sigma {sigma:g}'] = TaperedSDM(sigma=sigma)(blur, window, long_rate)
    frames['what LDNPlus starts as'] = LDNPlus().eval()(blur, window, long_rate)
    return frames


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, nargs='+', required=True, help='splits with sharp middle frames')
    parser.add_argument('--every', type=int, default=3, metavar='N', help='each N-th exposure')
    args = parser.parse_args()
    columns = []
    for root in args.data:
        data, scores = open_set(root), []
        for number in range(0, len(data), args.every):
            item = data[number]
            blur, sharp, exposure = item['lq'][None], item['gt'][None], Exposure(*item['exposure'].tolist())
            frames = rows(blur, item['spike'][None].float(), exposure)
            scores.append({name: psnr(frame, sharp) for name, frame in frames.items()})
        columns.append({name: sum(score[name] for score in scores) / len(scores) for name in scores[0]})
    print('| |', *(f'{root} |' for root in args.data))
    print('| ---' * (1 + len(columns)), '|')
    for name in columns[0]:
        print(f'| {name} |', *(f'{column[name]:.2f} |' for column in columns))


if __name__ == '__main__':
    main()
