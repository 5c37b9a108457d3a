"""The option file of an adaptation: ordinary, complete, and commented for who wants to change it."""

import json
from collections.abc import Mapping
from pathlib import Path

from spikereveal_plugin.adapt.networks import ONLINE, NetworkChoice
from spikereveal_plugin.adapt.samples import SampleForm
from spikereveal_plugin.adapt.schedule import Schedule
from spikereveal_plugin.recordings.layout import TEACHER, Split

NAME = 'adapt.yml'
TRAIN_LIST, HELD_OUT_LIST = 'train.txt', 'held_out.txt'
TEMPLATE = """\
# Adapts {start} to recordings of its own, without labels (SpikeReveal's step on RSB).
# Written by `spikereveal adapt`. Change what you like; in this folder, either of these goes on from where it is
# (`basicsr train` from another folder begins anew there):
#   spikereveal adapt ...                                       the command that wrote this file
#   {commands}
name: adapt
model_type: SpikeDistillModel
num_gpu: auto
manual_seed: {seed}

datasets:
  train:
    name: recording
    type: SpikeBlurDataset
    dataroot_lq: {blur}
    dataroot_spike: {spike}
    io_backend: {{type: lmdb}}
    meta_info_file: {train_list}  # all samples but the held-out ones
    {teacher_data}
    density: {density}  # auto: spikes normalised to threshold 1; this recording shows {threshold:.3g}
    gt_size: {crop}
    use_hflip: true
    use_rot: true
    num_worker_per_gpu: 0
    batch_size_per_gpu: 1
    dataset_enlarge_ratio: {enlarge}  # longer epochs: the order of samples is drawn again in each
  val:
    name: held out
    type: SpikeBlurDataset
    dataroot_lq: {blur}
    dataroot_spike: {spike}
    io_backend: {{type: lmdb}}
    meta_info_file: {held_out_list}
    density: {density}

network_g: {network_g}
{teacher_networks}

path:
  pretrain_network_g: {path_g}
  {teacher_paths}

train:
  optim_g:
    type: Adam
    lr: {learning_rate}
  scheduler:
    type: CosineAnnealingRestartLR  # over total_iter, which early_stop may not reach
  total_iter: {iterations}
  {teacher_how}
  num_instants: {instants}
  distill_opt: {distill}
  reblur_opt:  # light: few frames of a long exposure do not average to the photo, and the photo itself has no loss
    type: ReblurLoss
    loss_weight: {reblur_weight}

val:
  val_freq: {val_freq}
  at_start: true  # what the adaptation begins with is in the running for the best too
  methods: [student]
  num_frames: 1
  metrics:
    reblur:  # the mean of the student's frames at {val_where} against the photo, in 8-bit levels; no ground truth
      type: calculate_reblur
      num_instants: {val_instants}
  save_best: reblur
  early_stop:
    metric: reblur
    patience: {patience}
    min_delta: {min_delta}

logger:
  print_freq: {print_freq}
  save_checkpoint_freq: {val_freq}
  keep_last: 1
"""


def option_text(
    chosen: Mapping[str, NetworkChoice], folder: Path, facts: SampleForm, density: float | str, schedule: Schedule
) -> str:
    """Return the option file for a folder; paths in it are absolute, so that it can be run from anywhere."""
    samples, folder = facts.samples, folder.resolve()
    window = max(item.window for item in chosen.values())
    student = chosen['network_g']
    vgg = schedule.vgg and json.dumps(str(schedule.vgg.resolve()))
    return TEMPLATE.format(
        name=NAME,
        start=chosen['network_g'].given,
        blur=_path(Split(samples.root.resolve()).blur),
        spike=_path(Split(samples.root.resolve()).spikes),
        train_list=_path(folder / TRAIN_LIST),
        held_out_list=_path(folder / HELD_OUT_LIST),
        density=density,
        threshold=facts.threshold,
        crop=min(schedule.crop, 4 * min(facts.sensor)),
        enlarge=max(1, 100 // len(samples.train)),
        instants=min(schedule.instants, len(facts.exposure.reach(window, facts.readouts))),
        distill=f'{{type: LPIPSLoss, net: vgg, backbone_path: {vgg}}}' if vgg else '{type: L1Loss}',
        val_instants=schedule.val_instants or '~',
        val_where=said_readouts(schedule.val_instants),
        print_freq=min(50, schedule.val_freq),
        **{key: getattr(schedule, key) for key in ('iterations', 'val_freq', 'patience', 'min_delta')},
        **{key: getattr(schedule, key) for key in ('learning_rate', 'reblur_weight', 'seed')},
        network_g=json.dumps(student.card.network),
        path_g=_path(student.path),
        **_teacher_lines(chosen, folder, density),
    )


def said_readouts(count: int | None) -> str:
    """Say how many readouts a residual is of; None is all of them."""
    return f'{count} readouts' if count else 'all readouts'


def _path(path: Path | str | None) -> str:
    return json.dumps(path and str(path), ensure_ascii=False)


def _teacher_lines(chosen: Mapping[str, NetworkChoice], folder: Path, density: float | str) -> dict[str, str]:
    """Return what the option file says of the teacher: the published one, or one that is asked in each step."""
    teacher = {key: item for key, item in chosen.items() if key != 'network_g'}
    train = f'basicsr train -opt {NAME} --auto_resume'
    lines = {
        'teacher_networks': '\n'.join(f'{key}: {json.dumps(item.card.network)}' for key, item in teacher.items()),
        'teacher_paths': '\n  '.join(
            f'pretrain_{key}: {_path(item.path)}' for key, item in teacher.items() if item.path
        ),
    }
    if ONLINE in teacher:
        thresholds = [1, 2] if density == 'auto' or chosen['network_g'].any_threshold else [1]
        return lines | {
            'commands': train,
            'teacher_data': f'thresholds: {thresholds}  # at 2 the student sees half the spikes, its teacher all',
            'teacher_how': 'teacher: online  # it learns from the spikes as recorded\n  instants: random',
        }
    return lines | {
        'commands': f'spikereveal data teach -opt {NAME} && {train}',
        'teacher_data': f'dataroot_teacher: {_path(folder / TEACHER)}',
        'teacher_how': 'teacher: cache  # on whole images, once; with few exposures much less work than in each step',
    }
