"""The demo in three acts: what the weights that come along restore, a training without labels, and a comparison."""

import json
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from spikereveal_plugin.defaults import SHORT_WINDOW
from spikereveal_plugin.demo import steps
from spikereveal_plugin.demo.steps import THRESHOLDS, Command, DemoError, Scale, say
from spikereveal_plugin.physics.tfp import firing_rate
from spikereveal_plugin.recordings.image_file import load_image
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.recordings.sources import Source
from spikereveal_plugin.visual.contact_sheet import contact_sheet, save_png

PHOTO: Final = 'Photo'
PICTURE: Final = 'demo.png'
STUDENTS: Final = ('LDNLight, shipped', 'LDNLight, trained here')
MARGINS: Final = {'middle': 2.0, 'sequence': 3.0}  # dB above the photo
PUBLISHED: Final = Path('results/test_ldn_sample')


@dataclass(frozen=True)
class Means:
    """Of one method on one set: PSNR in dB and SSIM, by part of the exposure."""

    psnr: dict[str, float]
    ssim: dict[str, float]


Table = dict[tuple[str, str], Means]  # by method and set


def run_demo(
    folder: Path, *, seed: int, quick: bool = False, published: bool = False, scale: Scale | None = None
) -> None:
    """Run the demo in `folder`, where everything is left.

    Args:
        folder: is made.
        seed: of photographs' motion and of the training.
        quick: end after the first act.
        published: train the paper's three stages in place of the second act's student.
        scale: how much is done.

    Raises:
        DemoError: a step failed, or a result is not what the method promises.
    """
    demo = _Demo(folder, scale or Scale(), time.monotonic())
    demo.begin()
    demo.act('1. What the weights that come along restore', steps.restoring_commands(seed, demo.scale))
    demo.tell_scores()
    if published:
        demo.act('2. The three published stages, cut to minutes', steps.published_commands(seed, demo.scale))
        demo.tell_published()
    elif not quick:
        demo.act('2. A student trained without sharp images', steps.training_commands(seed, demo.scale))
        demo.compare_with(is_trained=True)
        demo.act('3. All methods compared', steps.comparing_commands())
        demo.tell_scores()
    if quick:
        say('Next: `spikereveal demo` trains a student, too; `spikereveal deblur --help` is for your own photos.')
    say(f'{demo.minutes:.1f} minutes')


@dataclass
class _Demo:
    """One run, which counts its commands."""

    folder: Path
    scale: Scale
    started: float
    number: int = 0

    @property
    def minutes(self) -> float:
        """Since the start."""
        return (time.monotonic() - self.started) / 60

    def begin(self) -> None:
        """Make the folder and the option file of the first comparison."""
        marker, logs = self.folder / 'logs/demo.txt', self.folder / 'logs'
        others = [self.folder / name for name in (PICTURE, steps.VIDEO, steps.COMPARISON, 'datasets', 'restored')]
        if not marker.is_file() and (there := next(filter(Path.exists, others), None)):
            raise DemoError(f'{there} exists, and no demo made it; choose another folder with -o')
        logs.mkdir(parents=True, exist_ok=True)
        marker.write_text('This folder is of `spikereveal demo`, which replaces what it made here.\n', encoding='utf-8')
        self.compare_with(is_trained=False)
        say(f'$ cd {shlex.quote(str(self.folder))}')

    def compare_with(self, *, is_trained: bool) -> None:
        """Write the option file of a comparison, with the student of this run or without."""
        (self.folder / steps.COMPARISON).write_text(steps.comparison(is_trained), encoding='utf-8')

    def act(self, title: str, commands: Sequence[Command]) -> None:
        """Run commands one after another; say where a picture is as soon as it is there."""
        say(f'\n{title}\n')
        for command in commands:
            self.number += 1
            log = self.folder / 'logs' / f'{self.number:02d}_{steps.verb(command).replace(" ", "_")}.log'
            steps.run(command, self.folder, log)
            if command[1] == 'deblur':
                said = (
                    f'video: {self.folder / steps.VIDEO}'
                    if '--key' in command
                    else f'picture: {save_picture(self.folder)}'
                )
                say(f'  {said}')

    def tell_scores(self) -> None:
        """Print the table, and fail where it does not keep the promise."""
        table = read_table(self.folder / 'compare/compare.json')
        say(f'\n{table_text(table)}\n\n  page: {self.folder / "compare/compare.html"}')
        if faults := broken_promises(table):
            raise DemoError('; '.join(faults))

    def tell_published(self) -> None:
        """Print the test's table, and fail where the student is no better than the photo and plain SDM."""
        say(f'\n{(self.folder / PUBLISHED / "sample.md").read_text(encoding="utf-8")}')
        say('Minutes of training in place of days: see docs/results for what longer ones reach.')
        means = json.loads((self.folder / PUBLISHED / 'sample.json').read_text(encoding='utf-8'))['means']
        psnr = {m['method']: m['mean'] for m in means if m['metric'] == 'psnr' and m['part'] == 'middle'}
        for rival in ('blur', 'sdm'):
            if psnr['student'] <= psnr[rival]:
                raise DemoError(f'the student reaches {psnr["student"]:.2f} dB, {rival} {psnr[rival]:.2f} dB')


def read_table(path: Path) -> Table:
    """Read a comparison's means; the middle is the middle one of each sample's frames."""
    found: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for entry in json.loads(path.read_text(encoding='utf-8'))['scores']:
        frames = np.array(list(entry['frames'].values()))
        means = {'middle': float(frames[:, frames.shape[1] // 2].mean()), 'sequence': float(frames.mean())}
        found.setdefault((entry['method'], entry['set']), {})[entry['metric']] = means
    return {key: Means(values['psnr_paper'], values['ssim_paper']) for key, values in found.items()}


def table_text(table: Table) -> str:
    """PSNR / SSIM of each method, by set and part, in columns."""
    sets = list(dict.fromkeys(name for _, name in table))
    heads = [f'{name}, {part}' for name in sets for part in MARGINS]
    lines = [f'  {"PSNR / SSIM":24}' + ''.join(f'{head:>24}' for head in heads)]
    for method in dict.fromkeys(method for method, _ in table):
        means = [table[method, name] for name in sets]
        cells = [f'{mean.psnr[part]:.2f} / {mean.ssim[part]:.3f}' for mean in means for part in MARGINS]
        lines.append(f'  {method:24}' + ''.join(f'{cell:>24}' for cell in cells))
    return '\n'.join(lines)


def broken_promises(table: Table) -> list[str]:
    """One line for each student, set and part where it is not above the photo by its margin, or not in SSIM."""
    faults = []
    for (method, name), means in table.items():
        photo = table[PHOTO, name]
        for part, margin in MARGINS.items() if method in STUDENTS else ():
            gain, more = means.psnr[part] - photo.psnr[part], means.ssim[part] - photo.ssim[part]
            if gain < margin or more <= 0:
                faults.append(
                    f'{method} at {name}, {part}: {gain:+.2f} dB and {more:+.3f} SSIM over the photo, expected '
                    f'{margin:+.1f} dB or more and SSIM above it'
                )
    return faults


def save_picture(folder: Path) -> Path:
    """Put photo, spikes, restored and sharp of one sample of each photograph side by side in `demo.png`."""
    source = open_split(folder / steps.held_out_set(THRESHOLDS[0]) / 'test')
    photographs = {key.partition('/')[0]: key for key in source.keys}
    tiles = []
    for key in photographs.values():
        frames = sorted((folder / steps.restored_folder(THRESHOLDS[0]) / key).glob('*.png'))
        tiles += [('Blurry photo', source.blur(key)), (f'Spikes ({SHORT_WINDOW} readouts)', short_rate(source, key))]
        tiles += [('Restored', load_image(frames[len(frames) // 2]))]
        if (sharp := source.sharp(key)) is not None:
            tiles.append(('Sharp (ground truth)', sharp))
    save_png(folder / PICTURE, contact_sheet(tiles, columns=4))
    return folder / PICTURE


def short_rate(source: Source, key: str) -> npt.NDArray[np.uint8]:
    """TFP at the middle of a sample's exposure, as an 8-bit gray picture."""
    spikes = torch.from_numpy(source.spikes(key))[None]
    rate = firing_rate(spikes, source.record(key).exposure.centre, SHORT_WINDOW)
    return (rate[0, 0] * 255).round().byte().numpy()
