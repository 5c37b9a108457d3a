"""The teacher's cache of a data set: every gain that training asks for, computed once on whole images."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from basicsr.data import build_dataset
from basicsr.utils import get_root_logger
from tqdm import tqdm

from spikereveal_plugin.data.spike_blur_dataset import SpikeBlurDataset
from spikereveal_plugin.data.teacher_cache import (
    Precision,
    TeacherCache,
    TeacherCacheWriter,
    bytes_per_pixel,
    delete_cache,
)
from spikereveal_plugin.defaults import RATIO
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.models.teacher import build_cascade, teacher_origin
from spikereveal_plugin.physics.density import normalise_density
from spikereveal_plugin.recordings.layout import TEACHER
from spikereveal_plugin.restorers.cascade import Cascade
from spikereveal_plugin.shot import Shot


def default_cache(section: Mapping[str, Any]) -> Path:
    """Where the cache of a data set lies unless `dataroot_teacher` says otherwise: beside its images."""
    return Path(section['dataroot_lq']).parent / TEACHER


def teach(opt: Mapping[str, Any], path: Path | None, precision: Precision, *, overwrite: bool) -> Path:
    """Compute the gains of `datasets.train` at the instants of `train`, those that the cache lacks.

    A run that was stopped goes on where it was: each gain is on the disk before the next begins.

    Args:
        opt: complete options of a `SpikeDistillModel`.
        path: the cache; by default what the options say.
        precision: of the numbers stored.
        overwrite: delete a cache that is there first.

    Returns:
        The cache's path.

    Raises:
        SpikeRevealError: options, data or weights are at fault, the cache is another teacher's, or the disk is full.
    """
    section = {**opt['datasets']['train']}
    path = path or Path(section.pop('dataroot_teacher', None) or default_cache(section))
    section['gt_size'] = section.get('gt_size') or RATIO  # whole images are taught, so no crop need be named
    dataset = build_dataset({**section, 'dataroot_teacher': None})
    if not isinstance(dataset, SpikeBlurDataset):
        raise OptionError(f'datasets.train.type: expected SpikeBlurDataset, found {section["type"]!r}')
    device = torch.device('cuda' if opt['num_gpu'] else 'cpu')
    if opt.get('network_teacher'):
        raise OptionError('network_teacher: only the published teacher is cached; train it with train.teacher: online')
    teacher = build_cascade(opt, device)
    origin = {**teacher_origin(opt, teacher), 'spikes': dataset.fingerprint()}
    if overwrite:
        delete_cache(path)
    with TeacherCacheWriter(path, origin, precision) as writer:
        missing = TeacherCache(path).missing(dataset.keys, dataset.teacher_instants)
        _check_space(path, dataset, missing, precision)
        _fill(writer, dataset, teacher, missing, device)
    get_root_logger().info(f'{path}: {len(dataset)} samples at readouts {list(dataset.teacher_instants)}')
    return path


def _fill(
    writer: TeacherCacheWriter,
    dataset: SpikeBlurDataset,
    teacher: Cascade,
    missing: Mapping[str, list[int]],
    device: torch.device,
) -> None:
    total = len(dataset.keys) * len(dataset.teacher_instants)
    done = total - sum(map(len, missing.values()))
    with tqdm(desc='Teacher', total=total, initial=done, unit='frame', disable=None) as bar:
        for key, instants in missing.items():
            shot = _shot(dataset, key).to(device)
            for instant, gain in zip(instants, teacher.gains(shot, instants), strict=True):
                if gain.shape[-2:] != dataset.image_size(key):
                    raise SpikeDataError(
                        f'{key}: the teacher gives {tuple(gain.shape[-2:])}, the image is {dataset.image_size(key)}; '
                        'set network_sr.upscale to their ratio'
                    )
                writer.put(key, instant, gain[0, 0].cpu().numpy())
                bar.update()
            done += len(instants)
            if bar.disable:  # no terminal: a log is read instead
                get_root_logger().info(f'Teacher: {done} of {total} frames')


def _shot(dataset: SpikeBlurDataset, key: str) -> Shot:
    """A sample without its photo, which a gain does not depend on."""
    spikes = torch.from_numpy(dataset.spikes(key))[None]
    if (ratio := dataset.density_ratio(key)) != 1:
        spikes = normalise_density(spikes.float(), ratio)
    return Shot(torch.zeros(1, 3, *dataset.image_size(key)), spikes, dataset.exposure(key))


def _check_space(path: Path, dataset: SpikeBlurDataset, missing: Mapping[str, list[int]], precision: Precision) -> None:
    pixels = sum(height * width * len(missing[key]) for key in missing for height, width in [dataset.image_size(key)])
    needed, free = pixels * bytes_per_pixel(precision), shutil.disk_usage(path).free
    if needed > free:
        raise SpikeDataError(
            f'{path}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free; '
            '-o places the cache elsewhere, --half halves it'
        )
    get_root_logger().info(f'{path}: {sum(map(len, missing.values()))} frames to compute, {needed / 1e9:.2f} GB')
