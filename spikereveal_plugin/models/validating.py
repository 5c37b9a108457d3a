"""The part of a model that validates: its methods as restorers, their scores and pictures."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from basicsr.models.sr_model import SRModel
from basicsr.utils import get_root_logger
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.models.collective import ValidationStoppedError, gather, share
from spikereveal_plugin.models.options import ModelOptions
from spikereveal_plugin.models.report import Report
from spikereveal_plugin.models.sample import ValidationSample, sample_of_batch
from spikereveal_plugin.models.validation import ValidationSettings, validate
from spikereveal_plugin.restorers.blur import Blur
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.restorers.sdm import Sdm
from spikereveal_plugin.shot import Shot


class Validating(SRModel):
    """Adds BasicSR's hooks of validation to one of its models."""

    methods: ClassVar[tuple[str, ...]]
    """names that `val.methods` may list"""
    trained_method: ClassVar[str]
    """the one of them that is the network in training; a table without `val.methods` has it alone"""
    aliases: ClassVar[Mapping[str, str]] = {}
    """former names of methods"""

    options: ModelOptions

    @classmethod
    def known_methods(cls) -> tuple[str, ...]:
        """Names that `val.methods` may list, former ones among them."""
        return (*cls.methods, *cls.aliases)

    @property
    def tabled_methods(self) -> dict[str, str]:
        """The methods of the table, by the names that the option file uses."""
        return {name: self.aliases.get(name, name) for name in self.options.val.methods or (self.trained_method,)}

    def check_ratio(self, shot: Shot) -> None:
        """Refuse data whose image is not as many times larger than its spikes as the network makes it."""
        network = self.get_bare_model(self.net_g)
        upscale, sensor = describe(network).upscale, tuple(shot.spikes.shape[-2:])
        if upscale is not None and shot.size[1] != upscale * sensor[1]:
            raise SpikeDataError(
                f'images {shot.size} and spikes {sensor} (height, width): {type(network).__name__} needs images '
                f'{upscale} times as large'
            )

    @property
    def trained_network(self) -> nn.Module:
        """The network to test with: the moving average where there is one."""
        return getattr(self, 'net_g_ema', None) or self.get_bare_model(self.net_g)

    def restorer(self, method: str) -> Restorer:
        """Return the restorer that `methods` calls `method`."""
        return Blur() if method == 'blur' else Sdm(self.options.spike.short_window)

    def sample(self, data: dict[str, Any]) -> ValidationSample:
        """The sample to restore and what to hold it against."""
        sample = sample_of_batch(data, self.device)
        self.check_ratio(sample.shot)
        return sample

    def window(self) -> int:
        """Readouts that must lie on both sides of an instant, as one odd number."""
        return self.options.spike.short_window

    def validation_settings(
        self, name: str, current_iter: int | str, tb_logger: Any, *, save_img: bool
    ) -> ValidationSettings:
        """Where pictures of a data set go: while training, into a folder for each iteration, and to TensorBoard."""
        folder = Path(self.opt['path']['visualization'], name, *([str(current_iter)] if self.is_train else []))
        return ValidationSettings(
            num_frames=self.options.val.num_frames,
            window=self.window(),
            short_window=self.options.spike.short_window,
            folder=folder if save_img else None,
            num_panels=self.options.val.num_panels,
            show=tb_logger and partial(_add_panel, tb_logger, name, current_iter),
        )

    def dist_validation(
        self, dataloader: DataLoader[Any], current_iter: int | str, tb_logger: Any, save_img: bool
    ) -> None:
        """Validate a share of the samples; all processes then have all scores, in one process's order."""
        own = share(dataloader, self.opt['rank'], self.opt['world_size'])
        self.nondist_validation(own, current_iter, tb_logger, save_img)

    @torch.no_grad()
    def nondist_validation(
        self, dataloader: DataLoader[Any], current_iter: int | str, tb_logger: Any, save_img: bool
    ) -> None:
        was_training = self.net_g.training
        self.net_g.eval()
        name = dataloader.dataset.opt['name']  # type: ignore[attr-defined]
        restorers = {name: self.restorer(method) for name, method in self.tabled_methods.items()}
        report = Report(self.options.val.metrics, tuple(restorers), name)
        is_hidden = None if self.options.val.pbar and self.opt.get('rank', 0) == 0 else True
        bar = tqdm(dataloader, desc=f'Test {name}', unit='image', disable=is_hidden)
        settings = self.validation_settings(name, current_iter, tb_logger, save_img=save_img)
        is_stopped = False
        try:
            validate(restorers, map(self.sample, bar), report, settings)
        except ValidationStoppedError:  # the others must learn of it, or they would wait for these scores
            is_stopped = True
        self.net_g.train(was_training)
        if any(gather(is_stopped)):
            raise ValidationStoppedError
        report.interleave(gather(report.samples))
        self.metric_results = report.result()
        if not self.metric_results:
            return
        get_root_logger().info(f'{name}\n{report.markdown()}')
        if not self.is_train:
            if self.opt.get('rank', 0) == 0:
                report.save(self.opt['path']['results_root'], name)
            return
        self._initialize_best_metric_results(name)
        for metric, value in self.metric_results.items():
            self._update_best_metric_result(name, metric, value, current_iter)
        self._log_validation_metric_values(current_iter, name, tb_logger)


def _add_panel(tb_logger: Any, name: str, current_iter: int | str, key: str, picture: Any) -> None:
    tb_logger.add_image(f'samples/{name}/{key}', picture, current_iter, dataformats='HWC')
