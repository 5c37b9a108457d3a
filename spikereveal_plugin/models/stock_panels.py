"""Panels in TensorBoard for BasicSR's own models, where `val.num_panels` asks for them."""

from itertools import islice
from typing import Any

import torch
from basicsr.models.base_model import BaseModel
from torch import Tensor
from torch.nn import functional as F

from spikereveal_plugin.models.pictures import PANEL_WIDTH, to_image
from spikereveal_plugin.visual.contact_sheet import contact_sheet

_TITLES = {'lq': 'Input', 'result': 'Result', 'gt': 'Sharp'}


class StockPanels(BaseModel):
    """Mix-in before a stock model of pictures: input, result and sharp image of a few samples after each validation.

    Not in a group of processes, where the networks of one would wait for the others, and not of clips.
    """

    def validation(self, dataloader: Any, current_iter: int | str, tb_logger: Any, save_img: bool = False) -> None:
        """As the stock model's, and then the panels."""
        super().validation(dataloader, current_iter, tb_logger, save_img)
        count = (self.opt.get('val') or {}).get('num_panels') or 0
        if tb_logger is None or not self.is_train or self.opt['dist'] or not count:
            return
        name = dataloader.dataset.opt['name']
        for number, data in enumerate(islice(dataloader, count)):
            self.feed_data(data)
            with torch.no_grad():
                self.test()  # type: ignore[attr-defined]
            frames = {title: self.get_current_visuals().get(key) for key, title in _TITLES.items()}
            if all(frame is None or frame.dim() == 4 for frame in frames.values()):
                key = str(data.get('lq_path', [number])[0])
                picture = _row({title: frame for title, frame in frames.items() if frame is not None})
                tb_logger.add_image(f'samples/{name}/{key}', picture, current_iter, dataformats='HWC')


def _row(frames: dict[str, Tensor]) -> Any:
    """Pictures side by side, all as large as the largest, or as a panel may be."""
    height, width = max(tuple(frame.shape[-2:]) for frame in frames.values())
    scale = min(1.0, PANEL_WIDTH / width)
    size = (round(scale * height), round(scale * width))
    tiles = [
        (title, to_image(F.interpolate(frame[:1].float(), size=size, mode='nearest')))
        for title, frame in frames.items()
    ]
    return contact_sheet(tiles, columns=len(tiles))
