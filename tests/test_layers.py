"""Imports run one way; see docs/design.md."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / 'spikereveal_plugin'
FOLDERS = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != '__pycache__'}
TOP = {'defaults', 'errors', 'exposure', 'options', 'option_files', 'seeding', 'shot'}
WATCHED = FOLDERS | TOP | {'torch', 'basicsr', 'cv2', 'numpy', 'lmdb'}
BASE = {'defaults', 'errors', 'exposure', 'numpy'}
RECORDINGS = BASE | {'formats', 'physics', 'torch', 'cv2'}
NETWORKS = BASE | {'physics', 'torch', 'basicsr'}
ALLOWED = {
    'physics': {'exposure', 'numpy', 'torch'},
    'formats': BASE | {'lmdb'},
    'recordings': RECORDINGS,
    'building': RECORDINGS | {'recordings', 'options', 'seeding'},
    'inspecting': RECORDINGS | {'recordings', 'building'},
    'data': RECORDINGS | {'recordings', 'options', 'seeding', 'basicsr'},
    'archs': NETWORKS | {'formats'},
    'restorers': NETWORKS | {'shot', 'options', 'archs', 'weights'},
    'gate': NETWORKS | {'shot', 'seeding', 'building', 'recordings', 'archs', 'restorers', 'cv2'},
    'losses': NETWORKS,
    'metrics': BASE | {'basicsr', 'torch'},
    'visual': BASE | {'formats', 'cv2'},
    'weights': NETWORKS | {'formats', 'options', 'archs'},
    'inference': RECORDINGS | {'shot', 'recordings', 'archs', 'restorers', 'visual', 'weights', 'basicsr'},
    'models': NETWORKS
    | {
        'formats',
        'shot',
        'options',
        'seeding',
        'archs',
        'weights',
        'restorers',
        'losses',
        'recordings',
        'data',
        'metrics',
    }
    | {'visual'},
    'pipelines': BASE
    | {'options', 'option_files', 'formats', 'models', 'data', 'metrics', 'weights', 'torch', 'basicsr'},
    'compare': RECORDINGS
    | {
        'shot',
        'options',
        'option_files',
        'restorers',
        'recordings',
        'metrics',
        'inference',
        'models',
        'weights',
        'archs',
        'basicsr',
    },
    'adapt': RECORDINGS
    | {'recordings', 'building', 'data', 'archs', 'restorers', 'inference', 'weights', 'models', 'pipelines'},
    'demo': WATCHED - {'basicsr', 'lmdb', 'cli'},
    'doctor': WATCHED,
    'cli': WATCHED - {'basicsr', 'lmdb'},
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ''] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            parts = name.split('.')
            found.add(parts[1] if parts[0] == 'spikereveal_plugin' and len(parts) > 1 else parts[0])
    return found


def test_every_folder_has_its_rule():
    assert set(ALLOWED) == FOLDERS


@pytest.mark.parametrize('folder', ALLOWED)
def test_imports_run_one_way(folder: str):
    found = {name for path in (PACKAGE / folder).rglob('*.py') for name in imports(path)}
    assert found & WATCHED <= ALLOWED[folder] | {folder}


@pytest.mark.parametrize('path', sorted(PACKAGE.rglob('*.py')), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_file_is_one_idea(path: Path):
    assert len(path.read_text(encoding='utf-8').splitlines()) <= 250


def test_nothing_dangerous_is_called():
    for path in PACKAGE.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in {'eval', 'exec', 'print'}, f'{path} calls {name}'
                if name == 'torch.load':
                    assert 'weights_only=True' in ast.unparse(node), path
                if name.startswith('subprocess.'):
                    assert 'shell=True' not in ast.unparse(node), path
