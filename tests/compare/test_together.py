"""Two processes of torchrun on gloo compare as one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from spikereveal_plugin.cli.spikereveal import main


def torchrun(*words: str) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2']
    command = [*launcher, '-m', 'spikereveal_plugin', 'compare', *words]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)


def content(out: Path) -> dict:
    found = json.loads((out / 'compare.json').read_text())
    found['costs'] = sorted(found['costs'])  # what they are is another time's
    return found


@pytest.mark.smoke
def test_two_processes_compare_as_one(tiny_set, student, folders, capsys):
    methods = {
        'blur': {'type': 'blur', 'group': 'Physics', 'per_set': {'three': None}},
        'sdm': {'type': 'sdm', 'group': 'Physics', 'per_set': {'three': None}},
        'student': {'type': 'network', 'weights': str(student), 'group': 'Trained', 'per_set': {'three': None}},
        'folder': {'type': 'folder', 'path': {'three': 'good'}, 'group': 'Trained'},
    }
    sets = {'tiny': {'data': str(tiny_set / 'test')}, 'three': {'gt': 'gt', 'average': 'sequences'}}
    opt = {'metrics': ['psnr', 'ssim'], 'sets': sets, 'methods': methods}
    Path('compare.yml').write_text(yaml.safe_dump(opt, sort_keys=False))
    assert main(['compare', '-opt', 'compare.yml', '-o', 'one']) == 0, capsys.readouterr().err
    run = torchrun('-opt', 'compare.yml', '-o', 'two')
    assert run.returncode == 0, run.stderr
    assert run.stdout.count('| sdm |') == 1  # the first process speaks
    assert content(folders / 'two') == content(folders / 'one')
    stored = [sorted(p.name for p in (folders / out / 'scores').rglob('*') if p.is_file()) for out in ('one', 'two')]
    assert stored[0] == stored[1]
    again = torchrun('-opt', 'compare.yml', '-o', 'two')
    assert '18 of 18 scores were there already' in again.stderr
    (folders / 'good/b.png').write_bytes(b'no image')
    run = torchrun('-opt', 'compare.yml', '-o', 'two')
    assert run.returncode == 1
    assert run.stderr.count('good/b.png: not a readable image') == 1
    run = torchrun('-opt', 'compare.yml', '-o', 'two', '--train')
    assert 'error: --train: train first, in one process' in run.stderr
