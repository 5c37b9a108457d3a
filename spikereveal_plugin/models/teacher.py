"""The student's teacher, as an option file describes it: the published cascade, or any student in its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.models.needs import refused_weights
from spikereveal_plugin.models.sections import SpikeOptions
from spikereveal_plugin.options import parse_section
from spikereveal_plugin.restorers.cascade import Cascade
from spikereveal_plugin.restorers.student import Student
from spikereveal_plugin.weights.network import all_arguments, build_network, load_section, weights_hash

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


def frozen_network(opt: Mapping[str, Any], key: str, device: torch.device) -> nn.Module:
    """Build the network of section `key`, with the weights that `path.pretrain_<key>` names; some have none.

    Raises:
        OptionError: the section or the path is missing, or the weights are missing or do not fit.
    """
    paths = opt.get('path') or {}
    path = paths.get(f'pretrain_{key}')
    needed = OptionError(f'{opt.get("model_type")} needs the section {key} and its weights in path.pretrain_{key}')
    if key not in opt:
        raise needed
    if path is None:
        network = build_network(opt[key], key)
        if network.state_dict():
            raise needed
    else:
        param_key = paths.get(f'param_key_{key.removeprefix("network_")}', 'params')
        try:
            network = load_section(opt[key], Path(path), param_key, key).network
        except SpikeDataError as error:
            raise refused_weights(key, path, error) from None
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.requires_grad_(False).eval()
