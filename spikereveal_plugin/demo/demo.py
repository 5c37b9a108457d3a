"""The demo's steps, each an ordinary command in a process of its own, and what is made of their results."""

import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from spikereveal_plugin.defaults import SHORT_WINDOW
from spikereveal_plugin.demo.option_files import option_folder
from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.physics.tfp import firing_rate
from spikereveal_plugin.recordings.image_file import load_image
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.recordings.sources import Source
from spikereveal_plugin.visual.contact_sheet import contact_sheet, save_png

MODULES = {'spikereveal': 'spikereveal_plugin.cli.spikereveal', 'basicsr': 'spikereveal_plugin.cli.basicsr'}
PROGRESS = re.compile(r'(?:iter:|Teacher:)\s*([\d,]+)')
STAGES = ('bsn', 'edsr', 'ldn')
RESULTS = Path('results/test_ldn_sample')


class DemoError(SpikeRevealError):
    """A step of the demo failed, or its result is not what the method promises."""


@dataclass(frozen=True)
class Scale:
    """How much the demo does; tests run a smaller one."""

    sample: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


def run_demo(folder: Path, *, seed: int, scale: Scale | None = None) -> None:
    """Make data, train BSN, EDSR and LDN, test, and leave a picture and a table in `folder`.

    Raises:
        DemoError: a step failed, or the student does not beat the blurry input and plain SDM in PSNR.
    """
    started = time.monotonic()
    scale = scale or Scale()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'logs').mkdir(exist_ok=True)
    _say(f'$ cd {shlex.quote(str(folder))}')
    for number, command in enumerate(demo_commands(seed, scale), start=1):
        _run(command, folder, folder / 'logs' / f'{number}_{_verb(command)}_{Path(command[-1]).stem}.log')
    picture = save_picture(folder)
    psnr = read_psnr(folder)
    table = (folder / RESULTS / 'sample.md').read_text(encoding='utf-8')
    _say(f'\nHeld-out photographs:\n\n{table}')
    minutes = (time.monotonic() - started) / 60
    _say(f'picture:  {picture}\nvideos:   {folder / RESULTS}/visualization/sample/*/*/video.mp4')
    _say(f'table:    {folder / RESULTS}/sample.md (.csv, .json)\ntime:     {minutes:.1f} minutes')
    for rival in ('blur', 'sdm'):
        if psnr['student'] <= psnr[rival]:
            raise DemoError(
                f'the student reaches {psnr["student"]:.2f} dB, {rival} {psnr[rival]:.2f} dB; it should be above'
            )


def demo_commands(seed: int, scale: Scale) -> list[list[str]]:
    """The commands in order, as they are typed in the demo's folder; the last word names the step."""
    options = option_folder()
    commands = [
        ['spikereveal', 'data', 'sample', '--seed', str(seed), '--overwrite', *scale.sample, '-o', 'datasets/sample']
    ]
    for stage in STAGES:
        force, file = ['--force_yml', f'manual_seed={seed}', *scale.train], str(options / f'{stage}_sample.yml')
        if stage == 'ldn':
            force.append('train:teacher=cache')  # each frame of the teacher once, not in every step
            commands.append(['spikereveal', 'data', 'teach', '--overwrite', *force, '-opt', file])
        commands.append(['basicsr', 'train', *force, '-opt', file])
    force = ['--force_yml', *scale.test] if scale.test else []
    commands.append(['basicsr', 'test', *force, '-opt', str(options / 'test_ldn_sample.yml')])
    return commands


def _verb(command: Sequence[str]) -> str:
    """`train`, `test`, `sample` or `teach`."""
    return command[2] if command[1] == 'data' else command[1]


def _run(command: Sequence[str], folder: Path, log: Path) -> None:
    """Run one command in `folder`, its output in `log`, with a bar that follows the iterations it reports."""
    _say(f'\n$ {shlex.join(command)}')
    words = [sys.executable, '-m', MODULES[command[0]], *command[1:]]
    last = ''
    with (
        log.open('w', encoding='utf-8') as file,
        subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
        tqdm(desc=f'{_verb(command)} {Path(command[-1]).stem}', unit='it', leave=False, disable=None) as bar,
    ):
        for line in process.stdout or ():
            file.write(line)
            last = line.strip() or last
            if match := PROGRESS.search(line):
                bar.update(int(match.group(1).replace(',', '')) - bar.n)
    if process.returncode:
        raise DemoError(f'`{shlex.join(command)}` ended with exit code {process.returncode}; see {log}: {last}')


def read_psnr(folder: Path) -> dict[str, float]:
    """PSNR of the middle frame by method, from the test's results."""
    means = json.loads((folder / RESULTS / 'sample.json').read_text(encoding='utf-8'))['means']
    return {m['method']: m['mean'] for m in means if m['metric'] == 'psnr' and m['part'] == 'middle'}


def save_picture(folder: Path) -> Path:
    """Put blur, spikes, student and sharp of the first two held-out photographs side by side in `demo.png`."""
    source = open_split(folder / 'datasets/sample/test')
    photographs = {key.partition('/')[0]: key for key in reversed(source.keys)}
    tiles = []
    for key in list(reversed(photographs.values()))[:2]:
        restored = load_image(folder / RESULTS / 'visualization/sample' / key / '068.png')
        tiles += [('Blurry input', source.blur(key)), (f'Spikes (TFP {SHORT_WINDOW})', short_rate(source, key))]
        tiles += [('Restored by the student', restored)]
        if (sharp := source.sharp(key)) is not None:
            tiles.append(('Sharp (ground truth)', sharp))
    save_png(folder / 'demo.png', contact_sheet(tiles, columns=4))
    return folder / 'demo.png'


def short_rate(source: Source, key: str) -> npt.NDArray[np.uint8]:
    """TFP at the middle of a sample's exposure, as an 8-bit gray picture."""
    spikes = torch.from_numpy(source.spikes(key))[None]
    rate = firing_rate(spikes, source.record(key).exposure.centre, SHORT_WINDOW)
    return (rate[0, 0] * 255).round().byte().numpy()


def _say(text: str) -> None:
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()
