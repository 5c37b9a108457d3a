"""The student's teacher, as an option file describes it: the published cascade, or any student in its place."""

from collections.abc import Mapping
from typing import Any

import torch

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.frozen import all_arguments, frozen_network, weights_hash
from spikereveal_plugin.models.options import SpikeOptions
from spikereveal_plugin.options import parse_section
from spikereveal_plugin.restorers.cascade import Cascade
from spikereveal_plugin.restorers.student import Student

CASCADE = ('network_bsn', 'network_sr')
NETWORK_TEACHER = 'network_teacher'


def build_cascade(opt: Mapping[str, Any], device: torch.device) -> Cascade:
    """Build the cascade of `network_bsn` and `network_sr`, with their weights.

    Raises:
        OptionError: a section or weights are missing, or do not fit.
    """
    denoiser, upscaler = (frozen_network(opt, key, device) for key in CASCADE)
    return Cascade(denoiser, upscaler, parse_section(SpikeOptions, opt.get('spike') or {}, 'spike').short_window)


def build_network_teacher(opt: Mapping[str, Any], device: torch.device) -> Student:
    """Build the network of `network_teacher`, with the weights of `path.pretrain_network_teacher` if it has any.

    Raises:
        OptionError: weights are missing or do not fit, or the network takes no window of spikes.
    """
    try:
        return Student(frozen_network(opt, NETWORK_TEACHER, device))
    except ValueError as error:
        raise OptionError(f'{NETWORK_TEACHER}: {error}') from None


def teacher_origin(opt: Mapping[str, Any], teacher: Cascade) -> dict[str, Any]:
    """What makes a teacher this one: its networks' arguments and the hashes of their weights, and the short window."""
    parts = {key: {**all_arguments(opt[key]), 'weights': weights_hash(net)} for key, net in teacher.networks.items()}
    return {**parts, 'short_window': teacher.short_window}
