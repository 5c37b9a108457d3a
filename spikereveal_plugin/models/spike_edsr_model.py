"""Stage 2: EDSR learns to lift TFP_long to the gray of the blurry image, four times larger (Eq. 10)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor, nn

from spikereveal_plugin.models.sample import ValidationSample
from spikereveal_plugin.models.sections import PixelTrainOptions, TrainOptions
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.physics.clip import clip_keep_gradient
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.restorers.restorer import Capabilities, Restorer
from spikereveal_plugin.shot import Shot


@MODEL_REGISTRY.register()
class SpikeEDSRModel(SpikeModel):
    """Train `network_g: SpikeEDSR` on pairs of TFP_long and gray(B); `train.pixel_opt` is the loss.

    Validation compares its one row, `edsr`, with the gray of the blurry image, and so needs no sharp one.
    """

    train_options: ClassVar[type[TrainOptions]] = PixelTrainOptions
    methods = ('edsr',)
    trained_method = 'edsr'

    def optimize_parameters(self, current_iter: int) -> None:
        self.descent.begin()
        with self.descent.autocast():
            lifted = self.net_g(self.shot.long_rate)
        self.output = clip_keep_gradient(lifted.float())
        self.step({'l_pix': self.cri_pix(self.output, gray(self.lq))})

    def sample(self, data: dict[str, Any]) -> ValidationSample:
        sample = super().sample(data)
        blur = sample.shot.blur
        return replace(sample, sharp=gray(blur).expand_as(blur), sharp_sequence={})

    def restorer(self, method: str) -> Restorer:
        return _LongRate(self.trained_network)


class _LongRate(Restorer):
    """Gives the super-resolved rate of the exposure, gray, for every instant."""

    capabilities = Capabilities(instants='one')

    def __init__(self, upscaler: nn.Module) -> None:
        self._upscaler = upscaler

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        rate = self._upscaler(shot.long_rate).clamp(0, 1)
        return (rate.expand_as(shot.blur) for _ in instants)
