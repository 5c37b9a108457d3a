"""Why the teacher may score below SDM + BSN: what EDSR adds to clean, noisy and denoised short firing rates.

    python tests/benchmarks/bench_upscale.py -opt docs/results/clips/ldn_any.yml --data datasets/clips_theta2/test

For the middle frame of some samples: SDM with the short rate and the long rate up-sampled bilinearly, or both by EDSR.
The clean rate is the gray of the sharp frame, averaged over each sensor pixel: what a camera without noise would count.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import torch
from bench_gain import open_set, psnr
from torch.nn import functional as F

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.models.teacher import frozen_network
from spikereveal_plugin.options import load_options
from spikereveal_plugin.physics.density import normalise_density
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.physics.sdm import spike_guided_deblur, upsample_rate
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('-opt', type=Path, required=True, help='names the networks of the teacher and their weights')
    parser.add_argument('--data', type=Path, required=True, help='a split of a data set, with sharp middle frames')
    parser.add_argument('--samples', type=int, default=4, help='so many, spread over the set')
    args = parser.parse_args()
    opt = load_options(args.opt)
    denoiser, upscaler = (frozen_network(opt, key, torch.device('cpu')) for key in ('network_bsn', 'network_sr'))
    data, scores = open_set(args.data), defaultdict(list)
    for number in range(args.samples):
        item = data[number * len(data) // args.samples]
        blur, sharp, exposure = item['lq'][None], item['gt'][None], Exposure(*item['exposure'].tolist())
        spikes = item['spike'][None].float()
        spikes = normalise_density(spikes, observed_threshold(blur, exposure_rate(spikes, exposure)))
        long_rate, noisy = exposure_rate(spikes, exposure), firing_rate(spikes, exposure.centre, 9)
        with torch.inference_mode():
            rates = {
                'clean': F.interpolate(gray(sharp), size=noisy.shape[2:], mode='area'),
                'noisy': noisy,
                'denoised by BSN': denoiser(noisy).clamp(0, 1),
            }
            size = (blur.shape[2], blur.shape[3])
            long_rates = {'bilinear': upsample_rate(long_rate, *size), 'EDSR': upscaler(long_rate).clamp(0, 1)}
            for name, rate in rates.items():
                lifted = {'bilinear': upsample_rate(rate, *size), 'EDSR': upscaler(rate).clamp(0, 1)}
                for way, short in lifted.items():
                    scores[name, way].append(psnr(spike_guided_deblur(blur, long_rates[way], short), sharp))
        print(f'{number + 1} of {args.samples}', flush=True)
    print('\n| short rate | bilinear | EDSR |\n| --- | --- | --- |')
    for name in ('clean', 'noisy', 'denoised by BSN'):
        means = (torch.tensor(scores[name, way]).mean().item() for way in ('bilinear', 'EDSR'))
        print(f'| {name} |', *(f'{mean:.2f} |' for mean in means))


if __name__ == '__main__':
    main()
