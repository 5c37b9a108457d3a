"""The commands of the demo, as they are typed in its folder, and how one is run."""

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tqdm import tqdm

from spikereveal_plugin.errors import SpikeRevealError
from spikereveal_plugin.option_files import option_folder

MODULES: Final = {'spikereveal': 'spikereveal_plugin.cli.spikereveal', 'basicsr': 'spikereveal_plugin.cli.basicsr'}
THRESHOLDS: Final = (1, 4)
COMPARISON: Final = 'compare.yml'
VIDEO: Final = 'slow_motion.mp4'
VIDEO_SAMPLE: Final = 'coffee/000001'
STAGES: Final = ('bsn', 'edsr', 'ldn')
_PROGRESS = re.compile(r'(?:iter:|Teacher:)\s*([\d,]+)')
_LOSS = re.compile(r'\bl_\w+: (-?[\d.]+e[+-]\d+)')
Command = list[str]


class DemoError(SpikeRevealError):
    """A step of the demo failed, or its result is not what the method promises."""


@dataclass(frozen=True)
class Scale:
    """How much the demo does; tests run a smaller one."""

    held_out: tuple[str, ...] = ('--train', '1', '--test', '4', '--size', '384', '576')
    sample: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


def held_out_set(threshold: int) -> str:
    """The data set of held-out photographs that a spike camera of a threshold saw."""
    return f'datasets/threshold_{threshold}'


def restored_folder(threshold: int) -> str:
    """Where frames of `held_out_set` are."""
    return f'restored/threshold_{threshold}'


def restoring_commands(seed: int, scale: Scale) -> list[Command]:
    """Photographs that no weights were trained on, set in motion, and the weights that come along on them."""
    commands = []
    for threshold in THRESHOLDS:
        data = held_out_set(threshold)
        made = ['--threshold', str(threshold), '--seed', str(seed), *scale.held_out, '--overwrite', '-o', data]
        commands.append(['spikereveal', 'data', 'sample', *made])
        if threshold == THRESHOLDS[0]:
            commands.append(['spikereveal', 'deblur', data, '-o', restored_folder(threshold)])
            film = ['--frames', '49', '--fps', '24', '--side-by-side', '--overwrite', '-o', VIDEO]
            commands.append(['spikereveal', 'deblur', data, '--key', VIDEO_SAMPLE, *film])
    return [*commands, *comparing_commands()]


def training_commands(seed: int, scale: Scale) -> list[Command]:
    """LDNLight without labels, in one stage."""
    return [_sample(seed, scale), _train('ldn_light_sample', seed, scale)]


def comparing_commands() -> list[Command]:
    """All rows again; what has its scores is not computed again."""
    return [['spikereveal', 'compare', '-opt', COMPARISON]]


def published_commands(seed: int, scale: Scale) -> list[Command]:
    """The paper's three stages, cut to minutes."""
    commands = [_sample(seed, scale)]
    for stage in STAGES:
        cached = ('train:teacher=cache',) if stage == 'ldn' else ()  # each frame of the teacher once, not in every step
        if stage == 'ldn':
            file = str(option_folder() / f'{stage}_sample.yml')
            force = ['--force_yml', f'manual_seed={seed}', *scale.train, *cached]
            commands.append(['spikereveal', 'data', 'teach', '--overwrite', *force, '-opt', file])
        commands.append(_train(f'{stage}_sample', seed, scale, *cached))
    force = ['--force_yml', *scale.test] if scale.test else []
    return [*commands, ['basicsr', 'test', *force, '-opt', str(option_folder() / 'test_ldn_sample.yml')]]


def comparison(is_trained: bool) -> str:
    """The option file of the comparison."""
    sets = '\n'.join(f'  threshold {t}: {{data: {held_out_set(t)}/test, frames: sequence}}' for t in THRESHOLDS)
    file = option_folder() / 'test_ldn_light_sample.yml'
    trained = f'  LDNLight, trained here: {{opt: {file}}}\n' if is_trained else ''
    return (
        '# Written by `spikereveal demo`; run it again with: spikereveal compare -opt compare.yml\n'
        f'out: compare\ntitle: spikereveal demo\nmetrics: [psnr_paper, ssim_paper]\nsets:\n{sets}\nmethods:\n'
        '  Photo: {type: blur}\n  SDM: {type: sdm}\n  Light change: {type: light}\n'
        f'  LDNLight, shipped: {{type: network, weights: ldn-light-labels}}\n{trained}'
    )


def _sample(seed: int, scale: Scale) -> Command:
    return ['spikereveal', 'data', 'sample', '--seed', str(seed), '--overwrite', *scale.sample, '-o', 'datasets/sample']


def _train(name: str, seed: int, scale: Scale, *more: str) -> Command:
    force = ['--force_yml', f'manual_seed={seed}', *scale.train, *more]
    return ['basicsr', 'train', *force, '-opt', str(option_folder() / f'{name}.yml')]


def run(command: Sequence[str], folder: Path, log: Path) -> None:
    """Run one command in `folder`, its output in `log`, with a bar that follows iterations and loss.

    Raises:
        DemoError: it failed.
    """
    say(f'$ {shlex.join(command)}')
    words = [sys.executable, '-m', MODULES[command[0]], *command[1:]]
    last = ''
    with (
        log.open('w', encoding='utf-8') as file,
        subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
        tqdm(desc=verb(command), unit='it', leave=False, disable=None) as bar,
    ):
        for line in process.stdout or ():
            file.write(line)
            last = line.strip() or last
            if match := _PROGRESS.search(line):
                bar.update(int(match.group(1).replace(',', '')) - bar.n)
            if match := _LOSS.search(line):
                bar.set_postfix_str(f'loss {float(match.group(1)):.2e}')
    if process.returncode:
        raise DemoError(f'`{shlex.join(command)}` ended with exit code {process.returncode}; see {log}: {last}')


def verb(command: Sequence[str]) -> str:
    """`train`, `deblur`, `data sample`, ..."""
    return ' '.join(command[1:3]) if command[1] == 'data' else command[1]


def say(text: str) -> None:
    """Print, at once."""
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()
