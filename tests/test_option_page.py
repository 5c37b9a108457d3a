"""docs/options.md says what the code says."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / 'docs/make_options.py'


@pytest.fixture(scope='module')
def maker():
    spec = importlib.util.spec_from_file_location('make_options', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(maker):
    assert maker.PAGE.read_text(encoding='utf-8') == maker.page(), 'run: python docs/make_options.py'


def test_every_field_has_a_line_of_its_own(maker):
    from spikereveal_plugin.compare.kinds import kinds

    for cls in (*maker.TRAINING, maker.CompareOptions, maker.SetOptions, maker.EveryMethod, *kinds().values()):
        names = {option.name for option in maker.fields(cls)}
        assert names <= maker.field_notes(cls).keys(), cls
