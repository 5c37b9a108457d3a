"""What a user should know of how a photo's spikes were taken, and cannot see in the frames."""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from spikereveal_plugin.archs.descriptor import describe
from spikereveal_plugin.inference.clip import SpikeClip
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.likely_exposure import likely_exposure
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.recordings.photo import Photo
from spikereveal_plugin.restorers.restorer import Restorer

FIFTH: Final = 0.2  # of the trained threshold, by which the observed one may be off


def exposure_remark(photo: Photo, clip: SpikeClip) -> str | None:
    """Say that the whole stream is taken as the exposure, and which readouts the photo resembles more.

    Args:
        photo: aligned with the spikes.
        clip: its spikes.

    Returns:
        None where the exposure was given.
    """
    if not clip.is_whole:
        return None
    said = f'exposure: nothing says it, so all {len(clip.stream)} readouts are taken'
    height, width = clip.stream.shape[1:]
    small = cv2.resize(photo.pixels, (width, height), interpolation=cv2.INTER_AREA)
    light = np.asarray(gray(small.transpose(2, 0, 1)))[0]
    likely = likely_exposure(light, clip.stream, (clip.exposure.first, clip.exposure.length))
    if likely is None or not likely.is_clear:
        return f'{said}; --exposure FIRST LENGTH says otherwise'
    return (
        f'{said}, but the photo resembles readouts {likely.first} to {likely.first + likely.length - 1} more '
        f'(correlation {likely.correlation:.4f} against {likely.of_given:.4f}): '
        f'try --exposure {likely.first} {likely.length}'
    )


def threshold_remark(photo: Photo, clip: SpikeClip, restorer: Restorer) -> str | None:
    """Say that the spikes are of another threshold than those that a network learned from.

    Returns:
        None where the two are near, or the restorer takes spikes of any threshold.
    """
    wants = restorer.capabilities.density
    is_learned = any(list(network.parameters()) for network in restorer.networks.values())
    is_for_any = all(describe(network).any_threshold for network in restorer.networks.values())
    if not is_learned or is_for_any or wants.value == 'auto':
        return None
    long_rate = clip.stream[clip.exposure.first : clip.exposure.stop].mean(axis=0, dtype=np.float32)
    try:
        observed = observed_threshold(photo.pixels.transpose(2, 0, 1), long_rate) / float(wants.value)
    except ValueError:
        return None  # no light or no spike, which is refused elsewhere
    if abs(observed / wants.threshold - 1) <= FIFTH:
        return None
    return (
        f'threshold: these spikes are of one of about {observed:.2g}, the weights learned from {wants.threshold:.2g}: '
        'try --density auto, or weights for any threshold (`spikereveal weights list`)'
    )


def remarks(photo: Photo | None, clip: SpikeClip, restorer: Restorer) -> Iterator[str]:
    """Yield what there is to say of one photo and its spikes."""
    if photo is not None:
        yield from filter(None, (exposure_remark(photo, clip), threshold_remark(photo, clip, restorer)))
