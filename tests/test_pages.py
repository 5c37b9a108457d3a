"""The pages: links lead somewhere, messages that they explain are said, commands that they print can be typed."""

import re
import shlex
from pathlib import Path

import pytest

from spikereveal_plugin.cli import basicsr, spikereveal

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


def commands(page: Path) -> list[str]:
    """Lines of indented blocks that begin with one of the two commands, continued lines joined, comments cut."""
    text = page.read_text(encoding='utf-8').replace('\\\n', ' ')
    lines = [line.strip() for line in text.splitlines() if line.startswith('    ')]
    plain = [line for line in lines if line.startswith(('spikereveal ', 'basicsr ')) and not set('<>$;|&') & set(line)]
    return [re.split(r'\s+#\s|\s{3,}', line)[0] for line in plain if '...' not in line]


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_commands_can_be_typed(page: Path):
    for command in commands(page):
        name, *words = shlex.split(command)
        try:
            PARSERS[name]().parse_args(words)
        except SystemExit:
            pytest.fail(command)
