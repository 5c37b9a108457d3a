"""Validation of stock models by all processes, and of its video models on the device that there is."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from basicsr.models.base_model import BaseModel
from basicsr.models.sr_model import SRModel
from torch.nn.parallel import DistributedDataParallel

from spikereveal_plugin.models.collective import ValidationStoppedError, from_first, gather, share


class SharedValidation(BaseModel):
    """Mix-in before a stock model. Where BasicSR validates on the first process, each takes a share of the samples."""

    metric_results: Any  # of the last validation, in the stock model's form
    _is_share = False  # while a share is validated, whose means are not yet the set's

    def feed_data(self, data: Mapping[str, Any]) -> None:
        """As the stock model's; what BasicSR's video models then squeeze in place is not the model's own on a CPU."""
        super().feed_data(data)
        for name in ('lq', 'gt'):
            if name in data and vars(self).get(name) is data[name]:
                setattr(self, name, data[name].view_as(data[name]))

    def dist_validation(self, dataloader: Any, current_iter: int | str, tb_logger: Any, save_img: bool) -> None:
        """As the stock model's, with bare networks: a wrapped one would wait for processes that do not validate.

        The tables of BasicSR's video models, which it makes on CUDA and for the first validation set, are made for each
        set, on the device that there is.
        """
        if folders := getattr(dataloader.dataset, 'data_info', {}).get('folder'):
            count = len(self.opt['val'].get('metrics') or ())
            self.metric_results = {
                folder: torch.zeros(frames, count, device=self.device) for folder, frames in Counter(folders).items()
            }
        with self._bare_networks():
            if getattr(super().dist_validation, '__func__', None) is SRModel.dist_validation:
                self._validate_share(dataloader, current_iter, tb_logger, save_img)
            else:
                super().dist_validation(dataloader, current_iter, tb_logger, save_img)

    @contextmanager
    def _bare_networks(self) -> Iterator[None]:
        """Networks without their wrapper, with the first process's buffers, such as means of a batch normalisation."""
        wrapped = {name: net for name, net in vars(self).items() if isinstance(net, DistributedDataParallel)}
        self.__dict__.update({name: net.module for name, net in wrapped.items()})
        from_first(buffer for net in wrapped.values() for buffer in net.module.buffers())
        try:
            yield
        finally:
            self.__dict__.update(wrapped)

    def _validate_share(self, dataloader: Any, current_iter: int | str, tb_logger: Any, save_img: bool) -> None:
        """Validate every N-th sample by the stock loop; then all processes have the means over all samples."""
        name, metrics = dataloader.dataset.opt['name'], self.opt['val'].get('metrics') or {}
        own = share(dataloader, self.opt['rank'], self.opt['world_size'])
        if self.opt['rank']:
            self.opt['val'] = {**self.opt['val'], 'pbar': False}
        self._is_share, is_stopped = True, False
        try:
            if len(own):
                self.nondist_validation(own, current_iter, None, save_img)
        except ValidationStoppedError:  # the others must learn of it, or they would wait for these scores
            is_stopped = True
        finally:
            self._is_share = False
        if any(gather(is_stopped)):
            raise ValidationStoppedError
        parts = gather(
            {metric: len(own) * float(self.metric_results[metric]) for metric in metrics} if len(own) else {}
        )
        if not metrics:
            return
        total = len(dataloader.dataset)
        self.metric_results = {metric: sum(part.get(metric, 0.0) for part in parts) / total for metric in metrics}
        self._initialize_best_metric_results(name)
        for metric, value in self.metric_results.items():
            self._update_best_metric_result(name, metric, value, current_iter)
        self._log_validation_metric_values(current_iter, name, tb_logger)

    def _update_best_metric_result(self, dataset_name: str, metric: str, val: float, current_iter: int | str) -> None:
        if not self._is_share:
            super()._update_best_metric_result(dataset_name, metric, val, current_iter)

    def _log_validation_metric_values(self, current_iter: int | str, dataset_name: str, tb_logger: Any) -> None:
        if not self._is_share:
            super()._log_validation_metric_values(current_iter, dataset_name, tb_logger)
