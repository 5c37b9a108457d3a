"""The cascade of the paper's Table 3 as functions from a scene to frames: blur, SDM, with BSN, teacher, student."""

from collections.abc import Sequence

from torch import Tensor, nn

from spikereveal_plugin.models.scene import Restorer, Scene
from spikereveal_plugin.physics.sdm import spike_guided_deblur, upsample_rate
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate


def restore_nothing(scene: Scene, instants: Sequence[int]) -> list[Tensor]:
    """Return the blurry image itself, what every method must beat."""
    return [scene.blur for _ in instants]


def sdm(short_window: int, denoiser: nn.Module | None = None) -> Restorer:
    """SDM with bilinear up-sampling (row I-1), or with a denoised short window (I-2, Eq. 8 and 9)."""

    def restore(scene: Scene, instants: Sequence[int]) -> list[Tensor]:
        long_rate = upsample_rate(exposure_rate(scene.spikes, scene.exposure), *scene.size)
        frames = []
        for instant in instants:
            short_rate = firing_rate(scene.spikes, instant, short_window)
            if denoiser is not None:
                short_rate = denoiser(short_rate).clamp(0, 1)
            frames.append(
                spike_guided_deblur(scene.blur, long_rate, upsample_rate(short_rate, *scene.size)).clamp(0, 1)
            )
        return frames

    return restore
