"""Rows of the teacher's stages: SDM with BSN (row I-2), and the whole teacher (I-3), from their weights."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from basicsr.utils.registry import ARCH_REGISTRY
from torch import nn

from spikereveal_plugin._version import __version__
from spikereveal_plugin.compare.complexity import Complexity, complexity_of
from spikereveal_plugin.compare.computation import RestorerComputation, batch_of
from spikereveal_plugin.compare.method_options import Density, SdmBsnOptions, TeacherOptions
from spikereveal_plugin.compare.reading import digest
from spikereveal_plugin.compare.shot import Shot
from spikereveal_plugin.models.frozen import all_arguments, frozen_network, weights_hash
from spikereveal_plugin.models.options import SpikeOptions
from spikereveal_plugin.models.restorers import sdm
from spikereveal_plugin.models.scene import Scene, scene_from_batch
from spikereveal_plugin.models.teacher import Teacher
from spikereveal_plugin.options import check_arguments, lookup
from spikereveal_plugin.physics.density import observed_threshold
from spikereveal_plugin.physics.tfp import exposure_rate
from spikereveal_plugin.weights.registry import resolve_option


def stage_row(options: SdmBsnOptions | TeacherOptions, device: str) -> RestorerComputation:
    """SDM + BSN, or the teacher.

    Raises:
        OptionError: weights are missing or do not fit, or an option is out of range.
    """
    window = SpikeOptions(options.short_window).short_window
    place = torch.device(device)
    scene = scene_maker(options.density, options.trained_threshold, place)
    bsn = {'type': 'BSN', **(options.network_bsn or {})}
    denoiser = _network('bsn', bsn, options.bsn, place)
    parts = [str(all_arguments(bsn)), weights_hash(denoiser), f'{window} {options.density} {options.trained_threshold}']
    if isinstance(options, SdmBsnOptions):
        identity = digest(['sdm_bsn', *parts, __version__])
        return RestorerComputation(identity, sdm(window, denoiser), scene, lambda shot: bsn_size(denoiser, shot))
    sr = {'type': 'SpikeEDSR', **(options.network_sr or {})}
    teacher = Teacher(denoiser, _network('sr', sr, options.sr, place), window)
    identity = digest(['teacher', *parts, str(all_arguments(sr)), weights_hash(teacher.upscaler), __version__])
    return RestorerComputation(identity, teacher.restore, scene, lambda shot: teacher_size(teacher, shot))


def _network(name: str, section: Mapping[str, Any], weights: str, device: torch.device) -> nn.Module:
    key = f'network_{name}'
    check_arguments(lookup(ARCH_REGISTRY, section, key), section, key)
    path = resolve_option(weights, section['type'], name)
    return frozen_network({key: section, 'path': {f'pretrain_{key}': str(path)}}, key, device)


def scene_maker(density: Density, trained: float, device: torch.device) -> Callable[[Shot], Scene]:
    """Return what makes scenes of shots, with the spikes as dense as `density` says."""
    return lambda shot: scene_from_batch(dense_batch(shot, density, trained), device)


def dense_batch(shot: Shot, density: Density, trained: float = 1.0) -> dict[str, Any]:
    """Return a shot as a batch that says how many times denser its spikes shall be made."""
    batch = batch_of(shot)
    if density == 'auto':
        density = observed_threshold(batch['lq'], exposure_rate(batch['spike'], shot.exposure)) / trained
    return batch if density == 1 else {**batch, 'density_ratio': torch.tensor([density], dtype=torch.float64)}


def bsn_size(denoiser: nn.Module, shot: Shot) -> Complexity:
    """Return the size of BSN on a shot's sensor."""
    return complexity_of((denoiser, (torch.zeros(1, 1, *shot.spikes.shape[1:]),)))


def teacher_size(teacher: Teacher, shot: Shot) -> Complexity:
    """Return the size of a teacher: BSN once, SpikeEDSR for the window and for the exposure."""
    rate = torch.zeros(1, 1, *shot.spikes.shape[1:])
    return complexity_of((teacher.denoiser, (rate,)), (teacher.upscaler, (rate,)), (teacher.upscaler, (rate,)))
