"""How the pixels of a real spike camera differ: each has its own response to light and its own dark current."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

DARK_INTERVAL: Final = 335.0
LIGHT_SCALE: Final = 4.0


@dataclass(frozen=True, eq=False)
class FixedPattern:
    """Per-pixel maps, constant in time.

    Args:
        response: (h, w), what a pixel makes of light, 1 for the average pixel; positive.
        dark: (h, w), what a pixel collects in the dark in one readout, in units of full light; a negative value stands
            for a pixel that leaks.

    Raises:
        ValueError: the maps are not floating (h, w) tensors of one size, hold what is no number, or `response` is not
            positive.
    """

    response: Tensor
    dark: Tensor

    def __post_init__(self) -> None:
        for name, values in (('response', self.response), ('dark', self.dark)):
            if values.dim() != 2 or not values.is_floating_point():
                raise ValueError(f'fixed pattern: {name} must be floating (h, w), got {_form(values)}')
            if not torch.isfinite(values).all():
                raise ValueError(f'fixed pattern: {name} holds values that are not finite')
        if self.response.shape != self.dark.shape:
            raise ValueError(f'fixed pattern: response is {_form(self.response)}, dark is {_form(self.dark)}')
        if not (self.response > 0).all():
            raise ValueError(f'fixed pattern: response must be positive, found {float(self.response.min())}')

    def __call__(self, light: Tensor) -> Tensor:
        """Return `response * light + dark`, at least 0: the charge of one readout in units of full light."""
        return torch.addcmul(self.dark.to(light), self.response.to(light), light).clamp_(min=0)

    def middle(self, height: int, width: int) -> 'FixedPattern':
        """Cut the middle `height` x `width` pixels of a larger sensor's maps.

        Raises:
            ValueError: the maps are smaller.
        """
        rows, columns = self.response.shape
        if rows < height or columns < width:
            raise ValueError(f'maps of {rows}x{columns} pixels are smaller than the simulated sensor, {height}x{width}')
        top, left = (rows - height) // 2, (columns - width) // 2
        window = (slice(top, top + height), slice(left, left + width))
        return FixedPattern(self.response[window], self.dark[window])


def spikenerf_pattern(response: Tensor, dark_deviation: Tensor, light_interval: Tensor) -> FixedPattern:
    """Turn the maps that SpikeNeRF (CVPR 2024) publishes into response and dark current.

    In its noise model a pixel whose inter-spike interval would be D has the interval
    D / (Nl + D Nd / (D_light (335 + Nd))), so its rate is Nl / D + Nd / (D_light (335 + Nd)): a response and a rate
    that is there without light. It counts D from the readout after a spike, 1 / rate - 1, and lets full light fire at
    every fourth readout; here charge adds up (Eq. 1), which is the same where rates are low.

    Args:
        response: (h, w), `Nl`.
        dark_deviation: (h, w), `Nd`, what a pixel's interval in the dark differs by from 335 readouts.
        light_interval: (h, w), `D_light`, interval under the light of the calibration, positive.

    Raises:
        ValueError: an interval is not positive, or `FixedPattern` refuses the maps.
    """
    dark_interval = DARK_INTERVAL + dark_deviation
    if not (light_interval > 0).all() or not (dark_interval > 0).all():
        raise ValueError('fixed pattern: D_light and 335 + Nd must be positive')
    return FixedPattern(response, LIGHT_SCALE * dark_deviation / (light_interval * dark_interval))


def _form(values: Tensor) -> str:
    return f'{tuple(values.shape)} {values.dtype}'
