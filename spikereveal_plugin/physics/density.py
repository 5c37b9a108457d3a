"""How dense spikes are against light: the camera's threshold, observed without knowing it (from Eq. 5)."""

from torch import Tensor

from spikereveal_plugin.physics.gray import gray


def observed_threshold(blur: Tensor, long_rate: Tensor) -> float:
    """Estimate theta as mean(gray(B)) / mean(TFP_long).

    Averaged over the image, Eq. 5 reads mean(gray(B)) ~ theta mean(TFP_long), and both means are known. No pixel needs
    to match another, so misalignment and another size of the sensor do no harm.

    Args:
        blur: (B, 3, H, W), RGB in [0, 1].
        long_rate: (B, 1, h, w), firing rate over the exposure, in [0, 1].

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


def normalise_density(spikes: Tensor, observed: float, trained: float) -> Tensor:
    """Scale spikes so that their mean is what a camera of the threshold `trained` would have fired.

    A camera of threshold theta fires light / theta, so `observed / trained` times its spikes have the mean that a
    network trained at `trained` knows. The values become 0 and `observed / trained`.

    Args:
        spikes: (..., h, w), floating, 0 and 1.
        observed: threshold of the camera, by `observed_threshold`.
        trained: threshold of the spikes that the network was trained on.

    Raises:
        ValueError: a threshold is not positive.
    """
    if not (observed > 0 and trained > 0):
        raise ValueError(f'density: thresholds must be positive, got observed {observed} and trained {trained}')
    return spikes * (observed / trained)
