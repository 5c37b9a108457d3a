"""Rows of spikes alone: TFP and TFI as pictures, with the photo's brightness and colours."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from spikereveal_plugin._version import __version__
from spikereveal_plugin.compare.computation import RestorerComputation, batch_of
from spikereveal_plugin.compare.method_options import TfiOptions, TfpOptions
from spikereveal_plugin.compare.reading import digest
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.scene import Restorer, Scene, scene_from_batch
from spikereveal_plugin.physics.colour import colourise
from spikereveal_plugin.physics.density import observed_threshold
from spikereveal_plugin.physics.sdm import upsample_rate
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate, inter_spike_rate

_HOW = (
    "up-sampled bilinearly, scaled by mean(gray(photo)) / mean(firing rate of the exposure), times the photo's colour "
    'over its gray; its chroma is as blurry as the photo'
)


def rate_row(options: TfpOptions | TfiOptions, device: str) -> RestorerComputation:
    """TFP or TFI, colourised (`physics/colour.py`).

    Raises:
        OptionError: the window is not odd and positive.
    """
    if isinstance(options, TfpOptions):
        window = options.short_window
        if window < 1 or window % 2 == 0:
            raise OptionError(f'short_window: expected an odd number of readouts, such as 9, found {window}')
        identity, what = digest(['tfp', __version__, str(window)]), f'firing rate of {window} readouts'
        restorer = coloured(lambda spikes, instant: firing_rate(spikes, instant, window))
    else:
        identity, what = digest(['tfi', __version__]), 'inverse interval between two spikes'
        restorer = coloured(inter_spike_rate)
    place = torch.device(device)
    return RestorerComputation(
        identity, restorer, lambda shot: scene_from_batch(batch_of(shot), place), remark=f'{what}, {_HOW}'
    )


def coloured(rate_at: Callable[[Tensor, int], Tensor]) -> Restorer:
    """Return the restorer that shows a rate (1, 1, h, w) of spikes (1, T, h, w) at each instant in colour."""

    def restore(scene: Scene, instants: Sequence[int]) -> list[Tensor]:
        threshold = observed_threshold(scene.blur, exposure_rate(scene.spikes, scene.exposure))
        rates = (upsample_rate(rate_at(scene.spikes, instant), *scene.size) for instant in instants)
        return [colourise(rate, scene.blur, threshold).clamp(0, 1) for rate in rates]

    return restore
