"""Restore every sample with every method, score the middle frame and the sequence, keep what a person wants to see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.pictures import Show, panel, save_pictures
from spikereveal_plugin.models.report import Report
from spikereveal_plugin.models.sample import ValidationSample
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.shot import Shot

AT_ONCE = 8  # frames of an exposure that are restored together


@dataclass(frozen=True)
class ValidationSettings:
    """How to validate.

    Args:
        num_frames: instants of the restored sequence, where no sharp frames set them.
        window: readouts (odd) that must lie around every instant.
        short_window: readouts of the firing rate that pictures show.
        folder: where pictures go, or None for none.
        num_panels: samples of which `show` gets a panel.
        show: what takes a sample's key and its panel, such as a writer of TensorBoard's events.
    """

    num_frames: int
    window: int
    short_window: int
    folder: Path | None
    num_panels: int = 0
    show: Show | None = None


def validate(
    restorers: Mapping[str, Restorer], samples: Iterable[ValidationSample], report: Report, settings: ValidationSettings
) -> None:
    """Add the scores of all methods on all samples to `report`; the frames of the last method, the result, are kept."""
    for number, sample in enumerate(samples):
        instants = sequence_instants(sample, settings.num_frames, settings.window)
        is_sequence_used = sample.sharp_sequence or sample.sharp is None or settings.folder is not None
        readouts = sorted({*(instants if is_sequence_used else ()), sample.shot.exposure.centre})
        restored = {
            method: dict(zip(readouts, restorer.frames(sample.shot, readouts), strict=True))
            for method, restorer in restorers.items()
        }
        for method, frames in restored.items():
            report.add(method, sample, frames, instants)
        add_means(restorers, sample, report, settings.window)
        if settings.folder is not None:
            save_pictures(settings.folder / sample.key, sample, restored, settings.short_window)
        if settings.show is not None and number < settings.num_panels:
            settings.show(sample.key, panel(sample, restored, settings.short_window))


def add_means(restorers: Mapping[str, Restorer], sample: ValidationSample, report: Report, window: int) -> None:
    """Score the mean of each method's frames against the photo, where a metric asks for it.

    Raises:
        OptionError: the exposure does not have as many readouts as a metric wants.
    """
    for name, count in report.exposure_metrics.items():
        exposure, num_readouts = sample.shot.exposure, sample.shot.num_readouts
        readouts = exposure.reach(window, num_readouts)
        try:
            chosen = readouts if count is None else exposure.instants(count, window, num_readouts)
        except ValueError as error:
            raise OptionError(f'val.metrics.{name}.num_instants: sample {sample.key}: {error}') from None
        for method, restorer in restorers.items():
            report.add_mean(name, method, sample, mean_frame(restorer, sample.shot, chosen), chosen)


def mean_frame(restorer: Restorer, shot: Shot, instants: Sequence[int]) -> Tensor:
    """(1, 3, H, W): the average of a restorer's frames (Eq. 2), a few of them in memory at a time."""
    total = torch.zeros_like(shot.blur)
    for start in range(0, len(instants), AT_ONCE):
        for frame in restorer.frames(shot, instants[start : start + AT_ONCE]):
            total += frame
    return total / len(instants)


def sequence_instants(sample: ValidationSample, num_frames: int, window: int) -> tuple[int, ...]:
    """Readouts of the sequence: where the sharp ones are, else spread over the exposure."""
    if sample.sharp_sequence:
        return tuple(sample.sharp_sequence)
    return sample.shot.exposure.instants(num_frames, window, sample.shot.num_readouts)
