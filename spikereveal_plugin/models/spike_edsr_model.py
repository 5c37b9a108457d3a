"""Stage 2: EDSR learns to lift TFP_long to the gray of the blurry image, four times larger (Eq. 10)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor

from spikereveal_plugin.models.options import PixelTrainOptions, TrainOptions
from spikereveal_plugin.models.scene import Restorer, Scene
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.physics.clip import clip_keep_gradient
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.tfp import exposure_rate


@MODEL_REGISTRY.register()
class SpikeEDSRModel(SpikeModel):
    """Train `network_g: SpikeEDSR` on pairs of TFP_long and gray(B); `train.pixel_opt` is the loss.

    Validation compares its one row, `edsr`, with the gray of the blurry image, and so needs no sharp one.
    """

    train_options: ClassVar[type[TrainOptions]] = PixelTrainOptions
    methods = ('edsr',)
    default_methods = ('edsr',)

    def optimize_parameters(self, current_iter: int) -> None:
        self.descent.begin()
        with self.descent.autocast():
            lifted = self.net_g(exposure_rate(self.spike, self.exposure))
        self.output = clip_keep_gradient(lifted.float())
        self.step({'l_pix': self.cri_pix(self.output, gray(self.lq))})

    def scene(self, data: dict[str, Any]) -> Scene:
        scene = super().scene(data)
        return replace(scene, sharp=gray(scene.blur).expand_as(scene.blur), sharp_sequence={})

    def restorer(self, method: str) -> Restorer:
        def restore(scene: Scene, instants: Sequence[int]) -> list[Tensor]:
            lifted = self.trained_network(exposure_rate(scene.spikes, scene.exposure)).clamp(0, 1)
            return [lifted.expand_as(scene.blur) for _ in instants]

        return restore
