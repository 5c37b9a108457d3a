import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spikereveal_plugin import _compat
from spikereveal_plugin.errors import EnvironmentProblemError


def test_the_release_is_accepted():
    _compat.check_basicsr_is_the_release()


def test_basicsr_imports_and_has_our_names():
    from basicsr.utils import registry

    for kind, names in {
        'ARCH': ['BSN', 'SpikeEDSR', 'LDN', 'EDSR'],
        'DATASET': ['SpikeBlurDataset'],
        'MODEL': ['BSNModel', 'SpikeEDSRModel', 'SpikeDistillModel', 'SpikeRestorationModel', 'SRModel'],
        'LOSS': ['LPIPSLoss', 'ReblurLoss'],
        'METRIC': [
            'calculate_pyiqa',
            'calculate_psnr',
            'calculate_ssim',
            'calculate_psnr_paper',
            'calculate_ssim_paper',
        ],
    }.items():
        assert set(names) <= set(getattr(registry, f'{kind}_REGISTRY').keys())


def test_a_fork_on_the_path_is_named(tmp_path: Path):
    (tmp_path / 'basicsr').mkdir()
    (tmp_path / 'basicsr/__init__.py').write_text('')
    run = subprocess.run(
        [sys.executable, '-c', 'import spikereveal_plugin'], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert f'finds {(tmp_path / "basicsr/__init__.py").resolve()}, a fork' in run.stderr
    assert 'pip install --force-reinstall --no-deps basicsr==1.4.2' in run.stderr


def run_import(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-c', 'import spikereveal_plugin, basicsr; print(basicsr.__file__)']
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the release, as its repository has it."""
    spec = importlib.util.find_spec('basicsr')
    assert spec is not None
    assert spec.origin is not None
    shutil.copytree(Path(spec.origin).parent, tmp_path / 'clone/basicsr', ignore=shutil.ignore_patterns('__pycache__'))
    return tmp_path / 'clone'


def append(path: Path) -> None:
    path.write_text(f'{path.read_text()}# changed\n')


def test_work_inside_a_clone_of_the_release_goes_on(clone: Path):
    append(clone / 'basicsr/version.py')
    run = run_import(clone)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(clone / 'basicsr/__init__.py')


def test_a_changed_clone_is_named_with_what_differs(clone: Path):
    append(clone / 'basicsr/models/sr_model.py')
    run = run_import(clone)
    assert run.returncode == 1
    assert 'a fork (1 files differ from the release, such as models/sr_model.py)' in run.stderr


def install(folder: Path, source: Path, *, editable: bool, version: str = '1.4.2') -> None:
    """What pip leaves of an installation from a folder."""
    info = folder / f'basicsr-{version}.dist-info'
    info.mkdir(parents=True)
    (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: basicsr\nVersion: {version}\n')
    (info / 'direct_url.json').write_text(json.dumps({'url': source.as_uri(), 'dir_info': {'editable': editable}}))


@pytest.mark.parametrize('is_changed', [False, True])
def test_an_editable_clone_is_what_was_installed(is_changed: bool, clone: Path, tmp_path: Path):
    if is_changed:
        append(clone / 'basicsr/models/sr_model.py')
    install(tmp_path / 'site', clone, editable=True)
    run = run_import(tmp_path, PYTHONPATH=f'{tmp_path / "site"}{os.pathsep}{clone}')
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(clone / 'basicsr/__init__.py')


def test_another_projects_editable_fork_is_refused(clone: Path, tmp_path: Path):
    install(tmp_path / 'site', tmp_path / 'elsewhere', editable=True)
    (clone / 'basicsr/archs/arch_util.py').write_text('')
    run = run_import(tmp_path, PYTHONPATH=f'{tmp_path / "site"}{os.pathsep}{clone}')
    assert run.returncode == 1
    assert 'a fork (1 files differ from the release, such as archs/arch_util.py)' in run.stderr


def test_the_doctor_names_what_differs(clone: Path, tmp_path: Path):
    append(clone / 'basicsr/models/sr_model.py')
    install(tmp_path / 'site', clone, editable=True)
    code = 'from spikereveal_plugin.doctor.stack import check_basicsr; print(check_basicsr())'
    environment = {**os.environ, 'PYTHONPATH': f'{tmp_path / "site"}{os.pathsep}{clone}'}
    run = subprocess.run(
        [sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True, check=True, env=environment
    )
    assert 'of which 1 files differ from the release: models/sr_model.py' in run.stdout


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch):
    class Old:
        version = '1.3.4.9'

    monkeypatch.setattr(importlib.metadata, 'distribution', lambda name: Old())
    with pytest.raises(EnvironmentProblemError, match='basicsr 1.3.4.9 is installed'):
        _compat.check_basicsr_is_the_release()


def test_no_basicsr_is_said(monkeypatch: pytest.MonkeyPatch):
    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, 'distribution', absent)
    with pytest.raises(EnvironmentProblemError, match='basicsr is not installed'):
        _compat.check_basicsr_is_the_release()


def test_gray_of_the_restored_module_is_torchvisions():
    import torch
    from torchvision.transforms import functional
    from torchvision.transforms.functional_tensor import rgb_to_grayscale

    image = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(rgb_to_grayscale(image), functional.rgb_to_grayscale(image))


def test_clip_imports_without_pkg_resources():
    """What pyiqa's LIQE needs of setuptools, in a fresh interpreter."""
    code = (
        'import sys, importlib.util\n'
        'from spikereveal_plugin._compat import pkg_resources_with_packaging\n'
        'had = importlib.util.find_spec("pkg_resources") is not None\n'
        'with pkg_resources_with_packaging():\n'
        '    import clip\n'
        'assert had == (importlib.util.find_spec("pkg_resources") is not None)\n'
        'print(clip.available_models()[0])\n'
    )
    run = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == 'RN50', run.stderr


@pytest.mark.parametrize(
    'words',
    [('spikereveal', 'adapt', '--help'), ('spikereveal', 'data', 'import', '-h'), ('basicsr', 'train', '--help')],
)
def test_help_does_not_wait_for_torch(words: tuple[str, ...]):
    """As a console script starts: the package itself, which registers everything otherwise, registers nothing."""
    start = (
        f'import sys; sys.argv = {list(words)}\n'
        f'from spikereveal_plugin.cli.{words[0]} import main\n'
        'try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n'
        "sys.exit(any(name in sys.modules for name in ('torch', 'basicsr', 'mmengine', 'cv2')))"
    )
    done = subprocess.run([sys.executable, '-c', start], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'examples:' in done.stdout
