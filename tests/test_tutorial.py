"""`docs/tutorial.ipynb` runs from the first cell to the last, in a folder of its own."""

import os
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / 'docs/tutorial.ipynb'


@pytest.mark.smoke
def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    nbformat = pytest.importorskip('nbformat', reason="nbformat is not here: pip install -e '.[docs]'")
    nbclient = pytest.importorskip('nbclient', reason="nbclient is not here: pip install -e '.[docs]'")
    monkeypatch.setenv('PATH', f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, resources={'metadata': {'path': str(tmp_path)}}).execute()
    printed = '\n'.join(output.get('text', '') for cell in notebook.cells for output in cell.get('outputs', ()))
    assert '| adapted |' in printed
    assert 'error:' not in printed
    assert (tmp_path / 'tutorial/compare/compare.html').is_file()


def test_the_file_keeps_small_outputs():
    assert NOTEBOOK.stat().st_size < 1_500_000
    assert '"image/png"' in NOTEBOOK.read_text(encoding='utf-8')
