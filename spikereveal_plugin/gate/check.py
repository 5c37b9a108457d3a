"""Whether a restorer may ship: nowhere below the photo, and no worse than light change on the mean."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from skimage.metrics import peak_signal_noise_ratio

from spikereveal_plugin.archs.light_change_arch import LightChange
from spikereveal_plugin.building.exposure_builder import Image, Sample
from spikereveal_plugin.gate.scenes import SCENES, record
from spikereveal_plugin.restorers.light import Light
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.shot import Shot

THRESHOLDS: Final = (1.0, 2.0, 4.0)
CEILING: Final = 45.0  # dB, of each score: a mean error of 1.4 of 255 levels is not seen
BELOW_PHOTO: Final = 0.1  # dB, that a frame may lose


@dataclass(frozen=True)
class Score:
    """PSNR in dB of the middle frame of one scene: the photo's, light change's and the restorer's."""

    scene: str
    threshold: float
    photo: float
    light: float
    psnr: float

    @property
    def is_below_photo(self) -> bool:
        """Whether the restorer makes the photo worse."""
        return self.psnr < self.photo - BELOW_PHOTO


@dataclass(frozen=True)
class Verdict:
    """The scores of all scenes, and why a restorer does not pass."""

    scores: tuple[Score, ...]

    @property
    def means(self) -> tuple[float, float, float]:
        """Mean PSNR of the photo, of light change and of the restorer."""
        photo, light, psnr = np.mean([(s.photo, s.light, s.psnr) for s in self.scores], axis=0).tolist()
        return photo, light, psnr

    @property
    def faults(self) -> tuple[str, ...]:
        """One line a fault; empty where the restorer passes."""
        faults = [
            f'{s.scene} at threshold {s.threshold:g}: {s.psnr:.2f} dB, below the photo by {s.photo - s.psnr:.2f}'
            for s in self.scores
            if s.is_below_photo
        ]
        _, light, psnr = self.means
        if psnr < light:
            faults.append(f'mean: {psnr:.2f} dB, below light change by {light - psnr:.2f}')
        return tuple(faults)


def check(restorer: Restorer, thresholds: Sequence[float] = THRESHOLDS) -> Iterator[Score]:
    """Yield a restorer's score of each scene at each threshold.

    Raises:
        SpikeDataError: scikit-image is not installed.
    """
    light = Light(LightChange())
    for threshold in thresholds:
        for scene in SCENES:
            sample = record(scene, threshold)
            scores = [_psnr(sample, _middle(each, sample)) for each in (light, restorer)]
            yield Score(scene, threshold, _psnr(sample, sample.blur), *scores)


def _middle(restorer: Restorer, sample: Sample) -> Image:
    """The frame (H, W, 3) RGB at the middle of the exposure, rounded as a picture is."""
    blur = torch.from_numpy(sample.blur).permute(2, 0, 1)[None].float() / 255
    shot = Shot(blur, torch.from_numpy(sample.spikes)[None], sample.exposure)
    with torch.inference_mode():
        frame = next(iter(restore(restorer, shot, [sample.exposure.centre])))
    return (255 * frame[0].clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()


def _psnr(sample: Sample, frame: Image) -> float:
    """Of 8-bit pictures, at most `CEILING`, which equal pictures have too."""
    sharp = sample.sharp_sequence[sample.exposure.centre]
    if np.array_equal(sharp, frame):
        return CEILING
    return min(CEILING, float(peak_signal_noise_ratio(sharp, frame, data_range=255)))
