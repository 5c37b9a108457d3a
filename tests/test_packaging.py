"""What a wheel holds: every package of the source, though they are listed by hand."""

from pathlib import Path

import pytest


def test_every_package_is_listed():
    tomllib = pytest.importorskip('tomllib', reason='Python 3.10 has no TOML reader')
    root = Path(__file__).resolve().parents[1]
    listed = set(tomllib.loads((root / 'pyproject.toml').read_text())['tool']['setuptools']['packages'])
    source = root / 'spikereveal_plugin'
    found = {'.'.join(file.parent.relative_to(root).parts) for file in source.rglob('__init__.py')}
    assert listed == found | {'spikereveal_plugin._options'}
