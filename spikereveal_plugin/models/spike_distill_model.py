"""Stage 3: the student learns from the frozen teacher and from the blurry image (Eq. 11-14)."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from basicsr.losses import build_loss
from basicsr.utils.registry import MODEL_REGISTRY
from torch import Tensor, nn

from spikereveal_plugin.data.teacher_cache import TeacherCache
from spikereveal_plugin.defaults import NUM_INSTANTS
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.losses.reblur_loss import ReblurLoss
from spikereveal_plugin.models.batch import recorded_shot
from spikereveal_plugin.models.descent import check_scalar
from spikereveal_plugin.models.sections import DistillTrainOptions, SpikeOptions, TrainOptions
from spikereveal_plugin.models.student_model import StudentModel
from spikereveal_plugin.models.teach import default_cache
from spikereveal_plugin.models.teacher import (
    CASCADE,
    NETWORK_TEACHER,
    build_cascade,
    build_network_teacher,
    teacher_origin,
)
from spikereveal_plugin.options import parse_section
from spikereveal_plugin.physics.clip import clip_keep_gradient
from spikereveal_plugin.physics.density import rate_as_gray
from spikereveal_plugin.physics.reblur import reblur
from spikereveal_plugin.restorers.cascade import Cascade, apply_gain
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.restorers.sdm import Sdm
from spikereveal_plugin.restorers.student import Student
from spikereveal_plugin.weights.network import all_arguments


@MODEL_REGISTRY.register()
class SpikeDistillModel(StudentModel):
    """Train `network_g`, `LDN` or `LDNPlus`, against the teacher of `network_bsn` and `network_sr`.

    `network_teacher` takes its place: any network of a photo and spikes, such as `TaperedSDM`. A teacher that is asked
    online sees the spikes as recorded, where the data bring them beside those that `thresholds` and
    `noise_spikes` of the data set spoilt.

    `train.distill_opt` compares student with teacher frames, `train.reblur_opt` the mean of the student's frames with
    the blurry image; either may be any registered loss of two images, or be left out (rows II-1, II-2 of Table 3).
    `train.respike_opt`, not in the paper, compares each frame with the spikes of its instant.
    Validation rows: `blur`, `sdm`, `sdm_bsn`, `teacher`, `student`; the teacher's networks are built if a row needs
    them.
    """

    train_options: ClassVar[type[TrainOptions]] = DistillTrainOptions
    methods = ('blur', 'sdm', 'sdm_bsn', 'teacher', 'student')
    frozen_networks = (*CASCADE, NETWORK_TEACHER)
    is_teacher_cached = False

    def __init__(self, opt: dict[str, Any]) -> None:
        self._teacher: Cascade | Student | None = None
        super().__init__(opt)
        if 'sdm_bsn' in self.options.val.methods:
            self.cascade('val.methods: sdm_bsn')
        elif 'teacher' in self.options.val.methods:
            self.teacher()

    @classmethod
    def complete_options(cls, opt: dict[str, Any]) -> None:
        """Tell the training set where the teacher's cache lies and which instants the student is trained at."""
        super().complete_options(opt)
        train, section = opt.get('train') or {}, opt['datasets'].get('train')
        if section is None:
            return
        if train.get('teacher') != 'cache' or not train.get('distill_opt'):
            section.pop('dataroot_teacher', None)  # it would be read and not used
            return
        if section.get('type') != 'SpikeBlurDataset':
            raise OptionError(f'train.teacher: cache needs a SpikeBlurDataset to train on, found {section.get("type")}')
        if section.get('dataroot_teacher') is None:
            section['dataroot_teacher'] = str(default_cache(section))
        section['teacher_instants'] = train.get('instants') or train.get('num_instants', NUM_INSTANTS)
        short_window = parse_section(SpikeOptions, opt.get('spike') or {}, 'spike').short_window
        section['teacher_window'] = max(all_arguments(opt['network_g']).get('num_spike', 1), short_window)

    def teacher(self) -> Cascade | Student:
        """The frozen teacher, built when first asked for."""
        if self._teacher is None:
            build = build_network_teacher if self.opt.get(NETWORK_TEACHER) else build_cascade
            self._teacher = build(self.opt, self.device)
        return self._teacher

    def cascade(self, where: str) -> Cascade:
        """The published teacher, which `where` of the options needs.

        Raises:
            OptionError: a network is in its place.
        """
        teacher = self.teacher()
        if not isinstance(teacher, Cascade):
            raise OptionError(f'{where} needs the teacher of network_bsn and network_sr, found network_teacher')
        return teacher

    def init_losses(self, train: Any) -> None:
        if not (train.distill_opt or train.reblur_opt or train.respike_opt):
            raise OptionError(
                'train: distill_opt, reblur_opt and respike_opt are all missing; the student needs one of them'
            )
        self.cri_distill = build_loss(train.distill_opt).to(self.device) if train.distill_opt else None
        self.cri_reblur = build_loss(train.reblur_opt).to(self.device) if train.reblur_opt else None
        self.cri_respike = build_loss(train.respike_opt).to(self.device) if train.respike_opt else None
        if self.cri_distill:
            self.teacher()
        self.is_teacher_cached = bool(self.cri_distill) and train.teacher == 'cache'
        if self.is_teacher_cached:
            self._check_cache(self.opt['datasets'].get('train', {}).get('dataroot_teacher'))

    def window(self) -> int:
        return max(super().window(), self._teacher.capabilities.window if self._teacher else 1)

    def _check_cache(self, path: str | None) -> None:
        """Refuse a cache that other weights than this teacher's made."""
        if path is None:
            raise OptionError('train.teacher: cache needs datasets.train.dataroot_teacher')
        origin = teacher_origin(self.opt, self.cascade('train.teacher: cache'))
        TeacherCache(Path(path)).check(origin)

    def instants(self) -> tuple[int, ...]:
        """The readouts of one training step."""
        train: Any = self.options.train  # DistillTrainOptions, or whatever a model of this kind reads
        listed, count = train.instants, train.num_instants
        if listed == 'random':
            return random_instants(self.shot.exposure.reach(self.window(), self.shot.num_readouts), count)
        if listed is not None:
            half, last = self.window() // 2, self.shot.num_readouts - 1
            if outside := [t for t in listed if not half <= t <= last - half]:
                raise OptionError(
                    f'train.instants: around {outside[0]} there are not {self.window()} of the readouts 0 to {last}'
                )
            return listed
        return self.shot.exposure.instants(count, self.window(), self.shot.num_readouts)

    def optimize_parameters(self, current_iter: int) -> None:
        """Eq. 14. The losses are propagated to the frames, one instant at a time, and from there once through LDN.

        The gradients are those of one sum, with the graph of one instant's loss in memory.
        """
        self.descent.begin()
        instants = self.instants()
        with self.descent.autocast():
            student = self.student_frames(self.net_g, self.shot, instants)
        frames = clip_keep_gradient(student.float())
        self.output = frames.detach()
        gradient, losses = torch.zeros_like(self.output), {}
        if self.cri_distill:
            teacher = self.teacher_frames(instants)
            losses['l_distill'] = self._of_each('l_distill', self.cri_distill, teacher, gradient)
        if self.cri_respike:
            light = self.light_of_spikes(instants)
            losses['l_respike'] = self._of_each('l_respike', self.cri_respike, light, gradient)
        if self.cri_reblur:
            reblur_loss = against(of_the_mean(self.cri_reblur), self.lq)
            losses['l_reblur'], of_all = self._propagate('l_reblur', reblur_loss, self.output)
            gradient += of_all
        frames.backward(gradient)
        self.finish(losses)

    def _of_each(self, name: str, loss_of: nn.Module, targets: Iterable[Tensor], gradient: Tensor) -> Tensor:
        """The mean over instants of a loss (Eq. 12); its gradient is added to that of the frames."""
        values, count = [], self.output.shape[1]
        for number, (frame, target) in enumerate(zip(self.output.unbind(1), targets, strict=True)):
            value, of_one = self._propagate(name, against(loss_of, target), frame)
            gradient[:, number] += of_one / count
            values.append(value)
        return torch.stack(values).mean()

    def _propagate(self, name: str, loss_of: Callable[[Tensor], Any], frames: Tensor) -> tuple[Tensor, Tensor]:
        """The value of a loss, and its gradient by the frames, scaled as `Descent.scale` does."""
        leaf = frames.detach().requires_grad_()
        with self.descent.autocast():
            loss = loss_of(leaf)
        check_scalar(name, loss)
        self.descent.scale(loss).backward()
        return loss.detach(), torch.zeros_like(leaf) if leaf.grad is None else leaf.grad

    def feed_data(self, data: Mapping[str, Any]) -> None:
        super().feed_data(data)
        self.recorded = recorded_shot(data, self.shot, self.device)
        self.teacher_gain: Tensor | None = None
        if not self.is_teacher_cached:
            return
        cached = tuple(data['teacher_instants'][0].tolist()) if 'teacher_gain' in data else ()
        if cached != self.instants():
            raise OptionError(f'train.teacher: cache: the data bring {cached}, trained are readouts {self.instants()}')
        self.teacher_gain = data['teacher_gain'].to(self.device, non_blocking=True)

    def teacher_frames(self, instants: Sequence[int]) -> Iterator[Tensor]:
        """Yield (B, 3, sH, sW) in [0, 1] for each instant: pseudo labels, of the cache where the batch brings it."""
        if self.teacher_gain is None:
            return self.teacher().frames(self.recorded, instants)
        return (apply_gain(self.lq, gain) for gain in self.teacher_gain[:, :, None].unbind(1))

    def light_of_spikes(self, instants: Sequence[int]) -> Iterator[Tensor]:
        """Yield (B, 1, h, w) for each instant: its short firing rate, scaled to the light of the photo."""
        for instant in instants:
            short_rate = self.recorded.short_rate(instant, self.options.spike.short_window)
            yield rate_as_gray(short_rate, self.recorded.long_rate, self.lq)

    def restorer(self, method: str) -> Restorer:
        if method == 'sdm_bsn':
            return Sdm(self.options.spike.short_window, self.cascade('val.methods: sdm_bsn').denoiser)
        if method == 'teacher':
            return self.teacher()
        return super().restorer(method)


def random_instants(reach: range, count: int) -> tuple[int, ...]:
    """Draw different readouts, in order.

    Raises:
        OptionError: there are not so many.
    """
    if len(reach) < count:
        raise OptionError(f'train.num_instants: {count} different ones do not fit in the {len(reach)} of the exposure')
    return tuple(sorted(random.sample(reach, count)))


def against(loss_of: Callable[[Tensor, Tensor], Any], target: Tensor) -> Callable[[Tensor], Any]:
    """A loss of two images as one of the first."""
    return lambda image: loss_of(image, target)


def of_the_mean(loss: nn.Module) -> Callable[[Tensor, Tensor], Any]:
    """A loss of frames (B, N, 3, sH, sW) and the blurry image (Eq. 13): `ReblurLoss`, or any other of their mean."""
    return loss if isinstance(loss, ReblurLoss) else lambda frames, blur: loss(reblur(frames), blur)
