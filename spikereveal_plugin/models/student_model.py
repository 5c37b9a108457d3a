"""What the models of a student share, however it is taught: its frames, its row of the table."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from spikereveal_plugin.models.spike_model import SpikeModel
from spikereveal_plugin.restorers.inputs import network_inputs
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.restorers.student import Student
from spikereveal_plugin.shot import Shot


class StudentModel(SpikeModel):
    """A student `network_g`: `LDN`, or any network of a photo and spikes (archs/descriptor.py)."""

    trained_method: ClassVar[str] = 'student'
    aliases: ClassVar[Mapping[str, str]] = {'ldn': 'student'}

    def window(self) -> int:
        return max(self.student().capabilities.window, self.options.spike.short_window)

    def student(self) -> Student:
        """The network in training, without what wraps it."""
        return Student(self.get_bare_model(self.net_g))

    def student_frames(self, network: nn.Module, shot: Shot, instants: Sequence[int]) -> Tensor:
        """(B, N, 3, H, W), not clipped: the network, or what wraps it to train it, at N instants."""
        return Student(self.get_bare_model(network)).sequence(shot, instants, network)

    def student_frames_at(self, network: nn.Module, shot: Shot, instants: Sequence[Sequence[int]]) -> Tensor:
        """As `student_frames`, at N instants of each sample's own."""
        descriptor = Student(self.get_bare_model(network)).descriptor
        samples = [network_inputs(descriptor, shot.sample(i), own) for i, own in enumerate(instants)]
        frames: Tensor = network(*(torch.cat(inputs) for inputs in zip(*samples, strict=True)))
        return frames

    def restorer(self, method: str) -> Restorer:
        return Student(self.trained_network) if method == 'student' else super().restorer(method)
