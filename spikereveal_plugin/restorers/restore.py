"""One way from a shot to frames: check it, fit it to what the restorer takes, restore, crop."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from spikereveal_plugin.errors import SpikeDataError, SpikeRevealError
from spikereveal_plugin.restorers.checks import check_instants, check_light, check_spread
from spikereveal_plugin.restorers.fit import fit_shot
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.shot import Shot


def restore(restorer: Restorer, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
    """Yield the frames of a shot, whatever its sizes and its camera's threshold.

    Args:
        restorer: what makes the frames.
        shot: of one photo (B = 1), spikes as recorded. The photo's size over the sensor's is the restorer's ratio, or
            near it: spikes are resampled, photos grown and frames cropped again.
        instants: readout indices; around each lie `restorer.capabilities.window` readouts of the stream.

    Returns:
        An iterator over (1, 3, H, W) in [0, 1], in the order of `instants`, computed one after another without
        gradients. The shot is checked before it is returned.

    Raises:
        SpikeDataError: the sizes do not fit, no spike fell, the density is not known, or an instant or the exposure
            leaves the stream; while it is iterated, a frame is not finite.
    """
    capabilities = restorer.capabilities
    check_instants(instants, capabilities.window, shot.num_readouts)
    if isinstance(capabilities.instants, int):
        check_spread(instants, capabilities.instants, shot)
    fit = fit_shot(shot, capabilities)
    if capabilities.sees_spikes:
        shot = shot.dense(_ratio(restorer, shot))
    fitted = fit.shot(shot).to(restorer.device)

    def run() -> Iterator[Tensor]:
        with torch.inference_mode():
            frames = iter(restorer.frames(fitted, instants))
        for _ in instants:
            with torch.inference_mode():  # not across the yield: the caller's own code is none of its business
                try:
                    frame = fit.crop(next(frames))
                except SpikeRevealError:
                    raise
                except ValueError as error:  # of physics
                    raise SpikeDataError(str(error)) from None
            if not frame.isfinite().all():
                raise SpikeDataError('a restored frame holds NaN or Inf: are the weights those of this network?')
            yield frame

    return run()


def _ratio(restorer: Restorer, shot: Shot) -> float:
    """Return how many times denser a restorer wants the spikes of a shot, which are checked."""
    try:
        long_rate = shot.long_rate
    except ValueError as error:
        raise SpikeDataError(str(error)) from None
    check_light(long_rate)
    try:
        return restorer.capabilities.density.ratio(shot.blur, long_rate)
    except ValueError as error:
        raise SpikeDataError(f'density auto: {error}') from None
