"""What a person looks at after a validation: a sample's frames, all methods side by side, a video, a panel."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional as F

from spikereveal_plugin.models.sample import ValidationSample
from spikereveal_plugin.physics.tfp import firing_rate
from spikereveal_plugin.visual.contact_sheet import contact_sheet, save_png
from spikereveal_plugin.visual.video import save_video

VIDEO_FPS = 4
PANEL_WIDTH = 480  # pixels of a picture in a panel, at most: an event file keeps each one
TITLES = {
    'blur': 'Blurry input',
    'sdm': 'SDM',
    'sdm_bsn': 'SDM + BSN',
    'teacher': 'Teacher',
    'student': 'Student',
    'ldn': 'Student (LDN)',
    'edsr': 'EDSR(TFP long)',
}
Image = npt.NDArray[np.uint8]
Show = Callable[[str, Image], None]
Restored = Mapping[str, Mapping[int, Tensor]]  # by method and readout


def to_image(frame: Tensor) -> Image:
    """(1, 3, H, W) in [0, 1] to (H, W, 3) uint8."""
    return (frame[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def middle_frames(sample: ValidationSample, restored: Restored) -> list[tuple[str, Tensor]]:
    """The middle of the exposure by all methods, named for a reader; last the sharp image where there is one."""
    frames = [(TITLES[method], frames[sample.shot.exposure.centre]) for method, frames in restored.items()]
    return frames + ([] if sample.sharp is None else [('Sharp', sample.sharp)])


def spike_picture(sample: ValidationSample, short_window: int) -> tuple[str, Image]:
    """The firing rate around the middle of the exposure, named for a reader."""
    rate = firing_rate(sample.shot.spikes, sample.shot.exposure.centre, short_window)
    return f'Spikes (TFP {short_window})', (rate[0, 0].clamp(0, 1) * 255).round().byte().cpu().numpy()


def panel(sample: ValidationSample, restored: Restored, short_window: int) -> Image:
    """One row: blurry input, spikes, all methods and the sharp image at the middle of the exposure."""
    frames = middle_frames(sample, restored)
    if 'blur' not in restored:
        frames.insert(0, (TITLES['blur'], sample.shot.blur))
    scale = min(1.0, PANEL_WIDTH / sample.shot.blur.shape[-1])
    size = tuple(round(scale * side) for side in sample.shot.size)
    tiles = [(title, to_image(F.interpolate(frame, size=size, mode='area'))) for title, frame in frames]
    tiles.insert(1, spike_picture(sample, short_window))
    return contact_sheet(tiles, columns=len(tiles))


def save_pictures(folder: Path, sample: ValidationSample, restored: Restored, short_window: int) -> None:
    """Write the result's frames, a sheet of all methods side by side, and a video of blur beside result."""
    folder.mkdir(parents=True, exist_ok=True)
    result = list(restored.values())[-1]
    for instant, frame in result.items():
        save_png(folder / f'{instant:03d}.png', to_image(frame))
    tiles = [(title, to_image(frame)) for title, frame in middle_frames(sample, restored)]
    tiles.insert(1, spike_picture(sample, short_window))
    save_png(folder / 'sheet.png', contact_sheet(tiles, None))
    blur = to_image(sample.shot.blur)
    save_video(folder / 'video.mp4', (np.hstack([blur, to_image(result[t])]) for t in sorted(result)), VIDEO_FPS)
