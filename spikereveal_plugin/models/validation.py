"""Restore every sample with every method, score the middle frame and the sequence, keep what a person wants to see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.pictures import Show, panel, save_pictures
from spikereveal_plugin.models.report import Report
from spikereveal_plugin.models.scene import Restorer, Scene

AT_ONCE = 8  # frames of an exposure that are restored together


@dataclass(frozen=True)
class Settings:
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


def validate(restorers: Mapping[str, Restorer], scenes: Iterable[Scene], report: Report, settings: Settings) -> None:
    """Add the scores of all methods on all scenes to `report`; the last method is the result, whose frames are kept."""
    for number, scene in enumerate(scenes):
        instants = sequence_instants(scene, settings.num_frames, settings.window)
        is_sequence_used = scene.sharp_sequence or scene.sharp is None or settings.folder is not None
        wanted = sorted({*(instants if is_sequence_used else ()), scene.exposure.centre})
        restored = {m: dict(zip(wanted, restore(scene, wanted), strict=True)) for m, restore in restorers.items()}
        for method, frames in restored.items():
            report.add(method, scene, frames, instants)
        add_means(restorers, scene, report, settings.window)
        if settings.folder is not None:
            save_pictures(settings.folder / scene.key, scene, restored, settings.short_window)
        if settings.show is not None and number < settings.num_panels:
            settings.show(scene.key, panel(scene, restored, settings.short_window))


def add_means(restorers: Mapping[str, Restorer], scene: Scene, report: Report, window: int) -> None:
    """Score the mean of each method's frames against the photo, where a metric asks for it.

    Raises:
        OptionError: the exposure does not have as many readouts as a metric wants.
    """
    for name, count in report.exposure_metrics.items():
        readouts = scene.exposure.reach(window, scene.spikes.shape[1])
        try:
            chosen = readouts if count is None else scene.exposure.instants(count, window, scene.spikes.shape[1])
        except ValueError as error:
            raise OptionError(f'val.metrics.{name}.num_instants: sample {scene.key}: {error}') from None
        for method, restore in restorers.items():
            report.add_mean(name, method, scene, mean_frame(restore, scene, chosen), chosen)


def mean_frame(restore: Restorer, scene: Scene, instants: Sequence[int]) -> Tensor:
    """(1, 3, H, W): the average of a restorer's frames (Eq. 2), a few of them in memory at a time."""
    total = torch.zeros_like(scene.blur)
    for start in range(0, len(instants), AT_ONCE):
        for frame in restore(scene, instants[start : start + AT_ONCE]):
            total += frame
    return total / len(instants)


def sequence_instants(scene: Scene, num_frames: int, window: int) -> tuple[int, ...]:
    """Readouts of the sequence: where the sharp ones are, else spread over the exposure."""
    if scene.sharp_sequence:
        return tuple(scene.sharp_sequence)
    return scene.exposure.instants(num_frames, window, scene.spikes.shape[1])
