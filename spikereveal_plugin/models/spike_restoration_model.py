"""The supervised baseline: a student trained with sharp images, to be held against the self-supervised one."""

from collections.abc import Mapping
from typing import Any, ClassVar

from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.models.sections import PixelTrainOptions, TrainOptions
from spikereveal_plugin.models.student_model import StudentModel
from spikereveal_plugin.physics.clip import clip_keep_gradient


@MODEL_REGISTRY.register()
class SpikeRestorationModel(StudentModel):
    """Train `network_g`, a student such as `LDN`, against sharp images: what the paper's method does without.

    The training set's `dataroot_gt` brings the sharp image at the middle of each exposure; `dataroot_gt_sequence`,
    where it is given, the sharp images at several instants, which are then learned together. `train.pixel_opt` is a
    registered loss of two images, such as `L1Loss` or `CharbonnierLoss`. Validation rows: `blur`, `sdm`, `student`.
    """

    train_options: ClassVar[type[TrainOptions]] = PixelTrainOptions
    methods = ('blur', 'sdm', 'student')

    @classmethod
    def complete_options(cls, opt: dict[str, Any]) -> None:
        """Refuse a training set without sharp images.

        Raises:
            OptionError: it names none.
        """
        section = opt['datasets'].get('train')
        if section is not None and not (section.get('dataroot_gt') or section.get('dataroot_gt_sequence')):
            raise OptionError(
                f'datasets.train: {cls.__name__} learns from sharp images; set dataroot_gt or dataroot_gt_sequence'
            )

    def feed_data(self, data: Mapping[str, Any]) -> None:
        """Take a batch, with what is to be learned: `instants` (B, N) and sharp images `gt` (B, N, 3, sH, sW) at them.

        Raises:
            SpikeDataError: the batch brings no sharp image.
        """
        super().feed_data(data)
        if 'gt_sequence' in data:
            self.instants, sharp = data['gt_instants'].tolist(), data['gt_sequence']
        elif 'gt' in data:
            self.instants, sharp = [[self.shot.exposure.centre]] * len(data['gt']), data['gt'][:, None]
        else:
            raise SpikeDataError(f'{data["lq_path"][0]}: the training set brings no sharp image')
        self.gt: Tensor = sharp.to(self.device, non_blocking=True)

    def optimize_parameters(self, current_iter: int) -> None:
        self.descent.begin()
        with self.descent.autocast():
            frames = self.student_frames_at(self.net_g, self.shot, self.instants)
        self.output = clip_keep_gradient(frames.float())
        self.step({'l_pix': self.cri_pix(self.output.flatten(0, 1), self.gt.flatten(0, 1))})
