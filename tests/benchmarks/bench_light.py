"""Photo, light change and students on middle frames, at thresholds to which one set's spikes are raised.

    python tests/benchmarks/bench_light.py --data SET/test [--weights ldn-light ldn-light-labels] [--factors 1 2 4]

PSNR / SSIM, the latter of scikit-image on images in [0, 1]; the worst gain over the photo beside them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from skimage.metrics import structural_similarity

from spikereveal_plugin.archs import LightChange
from spikereveal_plugin.data.spike_blur_dataset import to_tensor
from spikereveal_plugin.losses import LPIPSLoss
from spikereveal_plugin.physics.threshold import raise_threshold
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.restorers.blur import Blur
from spikereveal_plugin.restorers.light import Light
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.restorers.student import Student
from spikereveal_plugin.shot import Shot
from spikereveal_plugin.weights.network import load_student


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--weights', nargs='+', default=['ldn-light', 'ldn-light-labels'])
    parser.add_argument('--factors', nargs='+', type=int, default=[1, 2, 4])
    parser.add_argument('--alexnet', type=Path, help="torchvision's AlexNet weights: LPIPS too")
    args = parser.parse_args()
    lpips = LPIPSLoss(net='alex', backbone_path=str(args.alexnet)) if args.alexnet else None
    source = open_split(args.data)
    restorers = {'photo': Blur(), 'light': Light(LightChange())}
    for name in args.weights:
        loaded = load_student(name)
        restorers[name] = Student(loaded.network, loaded.card.wants)
    torch.manual_seed(0)
    for factor in args.factors:
        scores = {name: [] for name in restorers}
        for key in source.keys:
            spikes = torch.from_numpy(source.spikes(key))
            phase = torch.randint(factor, spikes.shape[1:]) if factor > 1 else torch.zeros(())
            exposure = source.record(key).exposure
            shot = Shot(to_tensor(source.blur(key))[None], raise_threshold(spikes, factor, phase)[None], exposure)
            sharp = to_tensor(source.sharp(key)).permute(1, 2, 0).numpy()
            for name, restorer in restorers.items():
                frame = next(restore(restorer, shot, [exposure.centre]))[0].permute(1, 2, 0).numpy()
                psnr = -10 * np.log10(np.mean((frame - sharp) ** 2, dtype=np.float64))
                ssim = structural_similarity(frame, sharp, channel_axis=2, data_range=1)
                pair = [torch.from_numpy(image).permute(2, 0, 1)[None] for image in (frame, sharp)]
                scores[name].append((psnr, ssim, float(lpips(*pair)) if lpips else float('nan')))
        photo = np.array(scores['photo'])[:, 0]
        for name, rows in scores.items():
            values = np.array(rows)
            psnr, ssim, distance = values.mean(axis=0)
            least = np.min(values[:, 0] - photo)
            more = f'  LPIPS {distance:.4f}' if lpips else ''
            print(f'{factor}  {name:20} {psnr:.2f} / {ssim:.4f}  {least:+.2f}{more}', flush=True)


if __name__ == '__main__':
    main()
