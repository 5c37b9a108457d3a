"""Restore every sample with every method, score the middle frame and the sequence, keep what a person wants to see."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from spikereveal_plugin.models.report import Report
from spikereveal_plugin.models.scene import Scene
from spikereveal_plugin.physics.tfp import firing_rate
from spikereveal_plugin.visual.contact_sheet import contact_sheet, save_png
from spikereveal_plugin.visual.video import save_video

if TYPE_CHECKING:
    from spikereveal_plugin.models.spike_model import SpikeModel

Frames = dict[int, Tensor]
VIDEO_FPS = 4
TITLES = {
    'blur': 'Blurry input',
    'sdm': 'SDM',
    'sdm_bsn': 'SDM + BSN',
    'teacher': 'Teacher',
    'ldn': 'Student (LDN)',
    'edsr': 'EDSR(TFP long)',
}


def validate(model: 'SpikeModel', dataloader: DataLoader[Any], *, save_img: bool, current_iter: int | str) -> Report:
    """Score `val.methods` on a data set; the last method is the model's result, whose frames are kept."""
    options = model.val_options
    methods = options.methods or model.default_methods
    dataset = dataloader.dataset.opt['name']  # type: ignore[attr-defined]
    report = Report(options.metrics, methods, dataset)
    folder = Path(model.opt['path']['visualization'], dataset)
    if model.is_train:
        folder /= str(current_iter)
    bar = tqdm(dataloader, desc=f'Test {dataset}', unit='image', disable=None if options.pbar else True)
    for data in bar:
        scene = model.scene(data)
        instants = sequence_instants(scene, options.num_frames, model.window())
        wanted = sorted({*instants, scene.exposure.centre})
        restored = {m: dict(zip(wanted, model.restorer(m)(scene, wanted), strict=True)) for m in methods}
        for method, frames in restored.items():
            report.add(method, scene, frames, instants)
        if save_img:
            save_pictures(folder / scene.key, scene, restored, model.spike_options.short_window)
    return report


def sequence_instants(scene: Scene, num_frames: int, window: int) -> tuple[int, ...]:
    """Readouts of the sequence: where the sharp ones are, else spread over the exposure."""
    if scene.sharp_sequence:
        return tuple(scene.sharp_sequence)
    return scene.exposure.instants(num_frames, window, scene.spikes.shape[1])


def to_image(frame: Tensor) -> npt.NDArray[np.uint8]:
    """(1, 3, H, W) in [0, 1] to (H, W, 3) uint8."""
    return (frame[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def save_pictures(folder: Path, scene: Scene, restored: dict[str, Frames], short_window: int) -> None:
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
