"""What the models of a student share, however it is taught: its inputs, its frames, its row of the table."""

from collections.abc import Sequence

from torch import Tensor, nn

from spikereveal_plugin.models.scene import Restorer, Scene, Shot
from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.models.student_inputs import student_frames


class StudentModel(SpikeModel):
    """A student `network_g`: `LDN`, or any network that is called as it is.

    It has `num_spike`, and turns a blurry image and windows of so many readouts around N instants into N frames. A
    network whose class says `takes_long_rate` gets the exposure's firing rate as its third input.
    """

    def window(self) -> int:
        return max(self.get_bare_model(self.net_g).num_spike, self.spike_options.short_window)

    def shot(self) -> Shot:
        """What the student sees of the batch."""
        return Shot(self.lq, self.spike, self.exposure)

    def student_frames(self, student: nn.Module, shot: Shot, instants: Sequence[int]) -> Tensor:
        """(B, N, 3, sH, sW), not clipped: the student at N instants, its branch of the photo run once."""
        return student_frames(student, self.get_bare_model(student), shot, instants)

    def restorer(self, method: str) -> Restorer:
        return self._restore if method == 'ldn' else super().restorer(method)

    def _restore(self, scene: Scene, instants: Sequence[int]) -> list[Tensor]:
        frames = self.student_frames(self.trained_network, scene, instants)
        return list(frames.clamp(0, 1).unbind(dim=1))
