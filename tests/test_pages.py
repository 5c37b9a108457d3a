"""The pages: links lead somewhere, messages that they explain are said, commands that they print can be typed."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from spikereveal_plugin.cli import basicsr, spikereveal
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.open_split import open_split

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md'))]
SOURCES = '\n'.join(path.read_text(encoding='utf-8') for path in (ROOT / 'spikereveal_plugin').rglob('*.py'))
PARSERS = {'spikereveal': spikereveal.build_parser, 'basicsr': basicsr.build_parser}


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def slug(heading: str) -> str:
    return re.sub(r'[^\w\- ]', '', heading.lower()).strip().replace(' ', '-')


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path):
    text = re.sub(r'```.*?```', '', page.read_text(encoding='utf-8'), flags=re.DOTALL)
    for target in re.findall(r'\]\(([^)\s]+)\)', text):
        if '://' in target:
            continue
        path, _, anchor = target.partition('#')
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in {slug(line.lstrip('# ')) for line in file.read_text().splitlines() if line.startswith('#')}


def test_messages_that_are_explained_are_said():
    table = (ROOT / 'docs/troubleshooting.md').read_text(encoding='utf-8')
    cells = [line.split('|')[1] for line in table.splitlines() if line.startswith('| `')]
    messages = [message for cell in cells for message in re.findall(r'`([^`]+)`', cell)]
    assert len(messages) >= 8
    for message in messages:
        assert message in SOURCES, message


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_commands_can_be_typed(page: Path, printed: Callable[[Path], list[str]]):
    for command in printed(page):
        name, *words = shlex.split(command)
        try:
            PARSERS[name]().parse_args(words)
        except SystemExit:
            pytest.fail(command)


@pytest.mark.parametrize('page', ['README.md', 'docs/index.md'])
def test_python_runs_as_printed(page: str, tiny_set: Path, tmp_path: Path):
    """On a pair of files: every readout of a sample's exposure is in the stream, as the snippet takes it."""
    (code,) = re.findall(r'```python\n(.*?)```', (ROOT / page).read_text(encoding='utf-8'), re.DOTALL)
    source = open_split(tiny_set / 'test')
    key = source.keys[0]
    record = source.record(key)
    cv2.imwrite(str(tmp_path / 'photo.png'), source.blur(key)[:, :, ::-1])
    spikes = source.spikes(key)[record.exposure_first :][: record.exposure_length]
    write_vidar(tmp_path / 'spikes.dat', spikes.astype(bool))
    command = [sys.executable, '-c', f'{code}\nassert frames.shape == (7, *blur.shape), frames.shape']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
