"""Restore every sample with every method, score the middle frame and the sequence, keep what a person wants to see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.report import Report
from spikereveal_plugin.models.scene import Restorer, Scene
from spikereveal_plugin.physics.tfp import firing_rate
from spikereveal_plugin.visual.contact_sheet import contact_sheet, save_png
from spikereveal_plugin.visual.video import save_video

VIDEO_FPS = 4
AT_ONCE = 8  # frames of an exposure that are restored together
TITLES = {
    'blur': 'Blurry input',
    'sdm': 'SDM',
    'sdm_bsn': 'SDM + BSN',
    'teacher': 'Teacher',
    'ldn': 'Student (LDN)',
    'edsr': 'EDSR(TFP long)',
}


@dataclass(frozen=True)
class Settings:
    """How to validate.

    Args:
        num_frames: instants of the restored sequence, where no sharp frames set them.
        window: readouts (odd) that must lie around every instant.
        short_window: readouts of the firing rate that pictures show.
        folder: where pictures go, or None for none.
    """

    num_frames: int
    window: int
    short_window: int
    folder: Path | None


def validate(restorers: Mapping[str, Restorer], scenes: Iterable[Scene], report: Report, settings: Settings) -> None:
    """Add the scores of all methods on all scenes to `report`; the last method is the result, whose frames are kept."""
    for scene in scenes:
        instants = sequence_instants(scene, settings.num_frames, settings.window)
        is_sequence_used = scene.sharp_sequence or scene.sharp is None or settings.folder is not None
        wanted = sorted({*(instants if is_sequence_used else ()), scene.exposure.centre})
        restored = {m: dict(zip(wanted, restore(scene, wanted), strict=True)) for m, restore in restorers.items()}
        for method, frames in restored.items():
            report.add(method, scene, frames, instants)
        add_means(restorers, scene, report, settings.window)
        if settings.folder is not None:
            save_pictures(settings.folder / scene.key, scene, restored, settings.short_window)


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


def to_image(frame: Tensor) -> npt.NDArray[np.uint8]:
    """(1, 3, H, W) in [0, 1] to (H, W, 3) uint8."""
    return (frame[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def save_pictures(folder: Path, scene: Scene, restored: Mapping[str, Mapping[int, Tensor]], short_window: int) -> None:
    """Write the result's frames, a sheet of all methods side by side, and a video of blur beside result."""
    folder.mkdir(parents=True, exist_ok=True)
    result = list(restored.values())[-1]
    for instant, frame in result.items():
        save_png(folder / f'{instant:03d}.png', to_image(frame))
    centre = scene.exposure.centre
    rate = firing_rate(scene.spikes, centre, short_window)
    spikes = (rate[0, 0].clamp(0, 1) * 255).round().byte().cpu().numpy()
    tiles = [(TITLES[m], to_image(frames[centre])) for m, frames in restored.items()]
    tiles.insert(1, (f'Spikes (TFP {short_window})', spikes))
    if scene.sharp is not None:
        tiles.append(('Sharp', to_image(scene.sharp)))
    save_png(folder / 'sheet.png', contact_sheet(tiles, None))
    blur = to_image(scene.blur)
    save_video(folder / 'video.mp4', (np.hstack([blur, to_image(result[t])]) for t in sorted(result)), VIDEO_FPS)
