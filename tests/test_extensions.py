"""Networks and restorers of one's own: through option files, the command line, and installed packages."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from spikereveal_plugin import extensions
from spikereveal_plugin.errors import EnvironmentProblemError, OptionError
from spikereveal_plugin.extensions import import_extensions, load_entry_points


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules, forgotten afterwards."""
    monkeypatch.setattr(sys, 'path', [*sys.path])
    monkeypatch.setattr(sys, 'modules', {**sys.modules})
    (tmp_path / 'ext_fine.py').write_text('VALUE = 3\n')
    (tmp_path / 'ext_broken.py').write_text('import nothing_of_this_name\n')
    (tmp_path / 'ext_raises.py').write_text('raise RuntimeError("no luck")\n')
    (tmp_path / 'deeper').mkdir()
    (tmp_path / 'deeper/ext_fine.py').write_text('VALUE = 4\n')
    return tmp_path


@pytest.mark.parametrize('names', ['ext_fine', ['ext_fine'], ['ext_fine.py'], ('ext_fine', 'ext_fine.py')])
def test_a_module_or_a_file_is_imported(names: object, modules: Path):
    import_extensions(names, modules)
    assert sys.modules['ext_fine'].VALUE == 3


def test_nothing_is_fine(modules: Path):
    import_extensions(None, modules)
    import_extensions([], modules)


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        ('ext_gone', "import: no module 'ext_gone' in"),
        ('ext_gone.py', 'import: .*ext_gone.py: no such file'),
        ('ext_broken', "import: ext_broken fails: ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ('ext_raises.py', 'import: ext_raises fails: RuntimeError: no luck'),
        ([3], 'import: expected a module, a file, or a list of these'),
        ({'a': 1}, 'import: expected a module, a file, or a list of these'),
        (['ext_fine', 'deeper/ext_fine.py'], 'another module is called ext_fine'),
    ],
)
def test_what_cannot_be_imported_is_said(names: object, message: str, modules: Path):
    with pytest.raises(OptionError, match=message):
        import_extensions(names, modules)


def test_installed_packages_are_asked(modules: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(modules))
    entries = [EntryPoint('fine', 'ext_fine', extensions.GROUP)]
    monkeypatch.setattr(extensions, 'entry_points', lambda group: entries)
    load_entry_points()
    assert sys.modules['ext_fine'].VALUE == 3
    entries.append(EntryPoint('broken', 'ext_raises', extensions.GROUP))
    with pytest.raises(EnvironmentProblemError, match='extends this plugin by ext_raises, which fails: .*no luck'):
        load_entry_points()


def python(code: str, *flags: str) -> str:
    run = subprocess.run([sys.executable, *flags, '-c', code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize('first', ['spikereveal_plugin', 'spikereveal_plugin.archs.ldn_arch', 'basicsr.archs'])
def test_whatever_is_imported_first_the_classes_are_there(first: str):
    order = ('import spikereveal_plugin\n' if first.startswith('basicsr') else '') + f'import {first}\n'
    code = f'{order}import spikereveal_plugin\nfrom basicsr.archs import build_network\n'
    assert python(code + "print(type(build_network({'type': 'LDN'})).__name__)").strip().endswith('LDN')


def test_public_names_are_imported_when_they_are_used():
    names = ('Deblurrer', 'Exposure', 'load_spikes', 'archs', 'models', '__version__')
    assert python(f'import spikereveal_plugin as s; print(*(hasattr(s, n) for n in {names}), hasattr(s, "x"))').split(
        '\n'
    )[-2] == ' '.join(['True'] * len(names) + ['False'])


@pytest.mark.parametrize('command', [['weights', 'list'], ['--help'], ['data', 'inspect', '--help']])
def test_a_command_that_needs_no_torch_does_not_import_it(command: list[str]):
    code = (
        'import sys\n'
        f"sys.argv = ['spikereveal', *{command}]\n"
        'from spikereveal_plugin.cli.spikereveal import main\n'
        'try:\n    main()\nexcept SystemExit:\n    pass\n'
        "print(sorted({'torch', 'basicsr'} & sys.modules.keys()))"
    )
    assert python(code).splitlines()[-1] == '[]'


def test_a_name_that_is_taken_names_its_holder(modules: Path):
    (modules / 'ext_clash.py').write_text(
        'from basicsr.utils.registry import ARCH_REGISTRY\n\n\n@ARCH_REGISTRY.register()\nclass LDN:\n    pass\n'
    )
    said = "the arch 'LDN' is registered already, by spikereveal_plugin.archs.ldn_arch; rename one of the two"
    with pytest.raises(OptionError, match=f'import: ext_clash fails: {said}'):
        import_extensions('ext_clash', modules)


def test_a_name_that_was_taken_before_names_its_holder_too(tmp_path: Path):
    (tmp_path / 'other.py').write_text(
        'from basicsr.utils.registry import ARCH_REGISTRY\n\n\n@ARCH_REGISTRY.register()\nclass LDN:\n    pass\n'
    )
    code = (
        'from spikereveal_plugin._compat import restore_functional_tensor\nrestore_functional_tensor()\nimport other\n'
        'from spikereveal_plugin.registration import register\nregister()'
    )
    command = [
        sys.executable,
        '-c',
        code.replace(
            'from spikereveal_plugin._compat', 'import sys\nsys.argv = ["spikereveal"]\nfrom spikereveal_plugin._compat'
        ),
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "cannot register its classes: the arch 'LDN' is registered already, by other" in run.stderr.splitlines()[-1]
