"""LIQE in a fresh interpreter beside any setuptools: pkg_resources is absent, lacks `packaging`, or has it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from spikereveal_plugin._compat import import_clip

SCRIPT = """
import sys, types, warnings
warnings.simplefilter('ignore')
kind, folder = sys.argv[1:]

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'pkg_resources':
            raise ModuleNotFoundError("No module named 'pkg_resources'", name='pkg_resources')

if kind == 'absent':  # setuptools 82
    sys.modules.pop('pkg_resources', None)
    sys.meta_path.insert(0, Blocked())
else:  # setuptools 70 to 81 hide `packaging` in it, older ones show it
    own = sys.modules['pkg_resources'] = types.ModuleType('pkg_resources')
    if kind == 'with packaging':
        import packaging, packaging.version
        own.packaging = packaging
import spikereveal_plugin
import torch
torch.hub._hub_dir = folder
from spikereveal_plugin.metrics.scorer import scorer
score = scorer('liqe', 'cpu', folder)
print('score', float(score(torch.rand(1, 3, 230, 240, generator=torch.Generator().manual_seed(0)))))
if kind == 'absent':
    assert 'pkg_resources' not in sys.modules
else:
    assert sys.modules['pkg_resources'] is own
"""
SMALL = (32, 224, 2, 64, 32, 77, 49408, 64, 1, 2)


@pytest.fixture(scope='module')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import_clip()
    from pyiqa.archs.clip_model import CLIP

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp('liqe')
    state = {f'clip_model.{key}': value for key, value in CLIP(*SMALL).state_dict().items()}
    torch.save({'params': state}, folder / 'liqe_koniq.pt')
    return folder


@pytest.mark.parametrize('kind', ['absent', 'without packaging', 'with packaging'])
def test_it_is_made_and_scores(kind: str, weights: Path):
    command = [sys.executable, '-c', SCRIPT, kind, str(weights)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert 1 <= float(run.stdout.split()[-1]) <= 5  # LIQE's scale
