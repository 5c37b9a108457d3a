"""The re-blurring residual (Eq. 13): a score of a whole restored sequence that needs no sharp image."""

from typing import Any

import numpy as np
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.metrics.metric_input import Image8, ImageFloat, check_same_shape, refuse_unknown, rgb_float

REBLUR = 'calculate_reblur'


@METRIC_REGISTRY.register()
def calculate_reblur(  # noqa: PLR0913 - what BasicSR hands to a metric, and one option
    img: Image8,
    img2: Image8,
    img_float: ImageFloat | None = None,
    img2_float: ImageFloat | None = None,
    *,
    num_instants: int | None = None,
    better: str = 'lower',
    **unknown: Any,
) -> float:
    """Return how far the mean of a sequence's frames is from the blurry photo: the root of L_reblur, in 8-bit levels.

    The photo itself, in place of frames, has 0: the residual says whether brightness and colour are kept, not how
    sharp frames are. Few frames of a long exposure do not average to the photo even when each is right, so all
    readouts are restored where `num_instants` does not say how many.

    Args:
        img: mean of the restored frames, (H, W, 3) BGR uint8.
        img2: the blurry photo, as `img`.
        img_float: (H, W, 3) RGB in [0, 1], used in place of `img` where given: a mean has more than 8 bits.
        img2_float: the photo, as `img_float`.
        num_instants: frames that the validation averages, spread over the exposure; ~ for one at each readout.
        better: for BasicSR's record of the best iteration; not used here.
        **unknown: refused.

    Raises:
        OptionError: an option is unknown.
        SpikeDataError: the images are not of these forms.
    """
    refuse_unknown(REBLUR, unknown, ('num_instants',))
    mean, photo = rgb_float(REBLUR, img, img_float), rgb_float(REBLUR, img2, img2_float)
    check_same_shape(REBLUR, mean, photo)
    return 255 * float(np.sqrt(np.square(mean - photo, dtype=np.float64).mean()))
