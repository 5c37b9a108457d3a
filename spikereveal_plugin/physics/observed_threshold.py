"""The camera's threshold, observed without knowing it (from Eq. 5); tensors or arrays."""

from spikereveal_plugin.physics.array import Array
from spikereveal_plugin.physics.gray import gray


def observed_threshold(blur: Array, long_rate: Array) -> float:
    """Estimate theta as mean(gray(B)) / mean(TFP_long).

    Averaged over the image, Eq. 5 reads mean(gray(B)) ~ theta mean(TFP_long), and both means are known. No pixel needs
    to match another, so misalignment and another size of the sensor do no harm.

    Args:
        blur: (..., 3, H, W), RGB in [0, 1].
        long_rate: of any shape, firing rate over the exposure, in [0, 1].

    Returns:
        The threshold in units of full light a readout: about 1, 2 or 4 on the paper's three simulations.

    Raises:
        ValueError: no spike fell during the exposure, or the image is black: there is no scale to observe.
    """
    light, rate = float(gray(blur).mean()), float(long_rate.mean())
    if not (light > 0 and rate > 0):
        raise ValueError(
            f'observed threshold: the mean light is {light} and the mean firing rate {rate}; both must be positive'
        )
    return light / rate
