"""Stage 1: the blind-spot network learns to denoise TFP_short from itself (Eq. 9)."""

from typing import ClassVar

from basicsr.utils.registry import MODEL_REGISTRY

from spikereveal_plugin.models.sections import PixelTrainOptions, TrainOptions
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.physics.clip import clip_keep_gradient
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.restorers.sdm import Sdm
from spikereveal_plugin.seeding import numpy_generator


@MODEL_REGISTRY.register()
class BSNModel(SpikeModel):
    """Train `network_g: BSN` on short windows at random instants of the exposure; `train.pixel_opt` is the loss.

    Validation rows: `blur`, `sdm`, and `sdm_bsn`, SDM with the denoised window (rows I-1 and I-2 of Table 3).
    """

    train_options: ClassVar[type[TrainOptions]] = PixelTrainOptions
    methods = ('blur', 'sdm', 'sdm_bsn')
    trained_method = 'sdm_bsn'

    def optimize_parameters(self, current_iter: int) -> None:
        self.descent.begin()
        window = self.options.spike.short_window
        instants = self.shot.exposure.instants(2, window, self.shot.num_readouts)
        draw = numpy_generator(self.opt.get('manual_seed') or 0, 'instant', str(current_iter))  # alike in all processes
        noisy = self.shot.short_rate(int(draw.integers(instants[0], instants[1] + 1)), window)
        with self.descent.autocast():
            denoised = self.net_g(noisy)
        self.output = clip_keep_gradient(denoised.float())
        self.step({'l_pix': self.cri_pix(self.output, noisy)})

    def restorer(self, method: str) -> Restorer:
        if method == 'sdm_bsn':
            return Sdm(self.options.spike.short_window, self.trained_network)
        return super().restorer(method)
