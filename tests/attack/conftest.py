"""What all attacks need: commands by the thousand, and a folder of small inputs of every kind."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from spikereveal_plugin.archs import LDN
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.image_file import save_image
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights

SECTION = {'type': 'LDN', 'num_feat': 4, 'reduction': 4}


@dataclass(frozen=True)
class Answer:
    """What came of a command."""

    code: int
    seconds: float
    out: str
    err: str

    @property
    def fault(self) -> str:
        """Why it is not what a command may answer: done, or one line and exit code 1 or 2; nothing where it is."""
        if self.code not in (0, 1, 2, 130, 141):
            return f'exit code {self.code}'
        if 'Traceback' in self.err or 'Traceback' in self.out:
            return 'a traceback'
        errors = [line for line in self.err.splitlines() if line.startswith('error: ')]
        if self.code == 1 and len(errors) != 1:
            return f'{len(errors)} lines of error'
        if any(len(line) > 1500 for line in errors):
            return 'an endless line'
        unforeseen = [line for line in errors if '; --debug shows the way there' in line]
        return f'not foreseen: {unforeseen[0][:300]}' if unforeseen else ''


Shell = Callable[..., Answer]


@pytest.fixture(scope='session')
def shell() -> Iterator[Shell]:
    """Run a command in a process of its own, which has imported everything already."""
    script = Path(__file__).with_name('zygote.py')
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'COLUMNS': '120'}
    with subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin
        assert process.stdout

        def run(folder: Path, *words: str, **limits: Any) -> Answer:
            request = {'folder': str(folder), 'words': list(map(str, words)), **limits}
            process.stdin.write(json.dumps(request) + '\n')
            process.stdin.flush()
            return Answer(**json.loads(process.stdout.readline()))

        yield run
        process.stdin.close()


@pytest.fixture(scope='session')
def inputs(tmp_path_factory: pytest.TempPathFactory, tiny_set: Path) -> Path:
    """A pair in every format, a data set, weights, option files; not to be changed."""
    folder = tmp_path_factory.mktemp('inputs')
    source = open_split(tiny_set / 'test')
    key = source.keys[0]
    spikes = source.spikes(key).astype(bool)
    for name in ('photo.png', 'photo.jpg', 'photo.bmp', 'photo.tif'):
        save_image(folder / name, source.blur(key)) if name != 'photo.tif' else cv2.imwrite(
            str(folder / name), source.blur(key)[:, :, ::-1]
        )
    write_vidar(folder / 'spikes.dat', spikes)
    np.save(folder / 'spikes.npy', spikes)
    np.savez_compressed(folder / 'spikes.npz', spk=spikes)
    torch.manual_seed(0)
    network = LDN(num_feat=4, reduction=4, starts_from_blur=True)
    torch.save({'params': network.state_dict()}, folder / 'bare.pth')
    save_weights(folder / 'ldn.pth', network.state_dict(), Card(SECTION))
    (folder / 'ldn.yml').write_text('network_g: {type: LDN, num_feat: 4, reduction: 4}\n')
    (folder / 'table.csv').write_text('photo,0,137\n')
    (folder / 'compare.yml').write_text(
        f'out: out\nmetrics: [psnr]\nsets: {{s: {{data: {tiny_set}/test, frames: middle}}}}\n'
        'methods: {B: {type: blur}}\n'
    )
    save_image(folder / 'photos/photo.png', source.blur(key))
    for frame in range(14):
        save_image(folder / f'footage/{frame}.png', source.blur(key))
    return folder


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file below a folder."""
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope='session')
def hashed() -> Callable[[Path], dict[str, str]]:
    """`hashes`."""
    return hashes


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show how many attacks there were."""
    for name, count in sorted(COUNTS.items()):
        terminalreporter.write_line(f'attack: {name}: {count["tried"]} tried, {count["failed"]} failed')


COUNTS: dict[str, dict[str, int]] = {}


@pytest.fixture
def tally() -> Callable[[str, list[str], int], None]:
    """Count attacks, and fail with those that were not survived."""

    def count(name: str, failed: list[str], tried: int) -> None:
        entry = COUNTS.setdefault(name, {'tried': 0, 'failed': 0})
        entry['tried'] += tried
        entry['failed'] += len(failed)
        assert not failed, '\n'.join(failed[:20])

    return count
