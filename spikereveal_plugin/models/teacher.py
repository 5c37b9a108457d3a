"""The frozen teacher, BSN -> EDSR -> SDM (row I-3 of the paper's Table 3)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from spikereveal_plugin.models.scene import Scene
from spikereveal_plugin.physics.exposure import Exposure
from spikereveal_plugin.physics.sdm import spike_guided_deblur
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate


class Teacher(nn.Module):
    """Pseudo labels `clip(B * EDSR(BSN(TFP_short(t))) / EDSR(TFP_long))`, each network's output clipped to [0, 1]."""

    def __init__(self, denoiser: nn.Module, upscaler: nn.Module, short_window: int) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.upscaler = upscaler
        self.short_window = short_window
        self.requires_grad_(False).eval()

    def short_rate(self, spikes: Tensor, instant: int) -> Tensor:
        """(B, 1, sH, sW): the firing rate around an instant, denoised and super-resolved."""
        denoised = self.denoiser(firing_rate(spikes, instant, self.short_window)).clamp(0, 1)
        return self.upscaler(denoised).clamp(0, 1)

    def long_rate(self, spikes: Tensor, exposure: Exposure) -> Tensor:
        """(B, 1, sH, sW): the firing rate over the exposure, super-resolved; the same for every instant."""
        return self.upscaler(exposure_rate(spikes, exposure)).clamp(0, 1)

    @torch.no_grad()
    def forward(self, blur: Tensor, spikes: Tensor, exposure: Exposure, instants: Sequence[int]) -> Tensor:
        """Return (B, N, 3, sH, sW) in [0, 1] for N instants, from blur (B, 3, sH, sW) and spikes (B, T, H, W)."""
        long_rate = self.long_rate(spikes, exposure)
        frames = (spike_guided_deblur(blur, long_rate, self.short_rate(spikes, t)).clamp(0, 1) for t in instants)
        return torch.stack(list(frames), dim=1)

    def restore(self, scene: Scene, instants: Sequence[int]) -> list[Tensor]:
        """The teacher as a restorer, one frame in memory at a time beside the results."""
        return list(self(scene.blur, scene.spikes, scene.exposure, instants).unbind(dim=1))
