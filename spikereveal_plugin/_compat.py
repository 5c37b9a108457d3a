"""Make BasicSR 1.4.2 import and run beside today's torch and torchvision; one function per trouble."""

import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from spikereveal_plugin.errors import EnvironmentProblemError

BASICSR_VERSION = '1.4.2'
_REMEDY = (
    f'This plugin needs the PyPI release basicsr=={BASICSR_VERSION}. Run '
    f'`pip install --force-reinstall --no-deps basicsr=={BASICSR_VERSION}` in this environment, and start Python from '
    'a folder (and with a PYTHONPATH) that holds no other `basicsr` folder.'
)


def check_basicsr_is_the_release() -> None:
    """Refuse a fork or another version: many restorers ship a changed folder that is also named `basicsr`.

    What Python would import is accepted where it is what was installed as this version, an editable clone too, or where
    its files are those of the release, such as in a clone that is the current folder.

    Raises:
        EnvironmentProblemError: the `basicsr` that Python would import is absent or is something else.
    """
    try:
        distribution = importlib.metadata.distribution('basicsr')
    except importlib.metadata.PackageNotFoundError:
        raise EnvironmentProblemError(f'basicsr is not installed. {_REMEDY}') from None
    if distribution.version != BASICSR_VERSION:
        raise EnvironmentProblemError(f'basicsr {distribution.version} is installed. {_REMEDY}')
    spec = importlib.util.find_spec('basicsr')
    actual = Path(spec.origin).resolve() if spec and spec.origin else None
    expected = Path(str(distribution.locate_file('basicsr/__init__.py'))).resolve()
    if actual is not None and (actual == expected or _is_editable(distribution, actual)):
        return
    changed = release_differences(actual.parent) if actual else []
    if actual is None or changed:
        differing = f' ({len(changed)} files differ from the release, such as {changed[0]})' if changed else ''
        raise EnvironmentProblemError(
            f'`import basicsr` finds {actual}, a fork{differing}, instead of {expected}. {_REMEDY}'
        )


def _is_editable(distribution: importlib.metadata.Distribution, module: Path) -> bool:
    """Whether a module lies in the clone that was installed by `pip install -e`."""
    origin = json.loads(distribution.read_text('direct_url.json') or '{}')
    url = urlsplit(origin.get('url', ''))
    is_editable = url.scheme == 'file' and bool(origin.get('dir_info', {}).get('editable'))
    return is_editable and module.is_relative_to(Path(url2pathname(url.path)).resolve())


def release_differences(folder: Path) -> list[str]:
    """Return the files of a folder named `basicsr` that are not as in the release, those absent included."""
    expected: dict[str, str] = json.loads(Path(__file__).with_name('basicsr_release.json').read_text())
    return [name for name, digest in expected.items() if _digest(folder / name) != digest]


def _digest(path: Path) -> str:
    """The beginning of a text file's SHA-256, whatever ends its lines."""
    return hashlib.sha256(path.read_bytes().replace(b'\r\n', b'\n')).hexdigest()[:16] if path.is_file() else ''


class FunctionalTensorFinder(MetaPathFinder, Loader):
    """Gives BasicSR back a module that torchvision 0.17 removed.

    `basicsr/data/degradations.py` imports `rgb_to_grayscale` from it; without it `import basicsr` fails. It stands last
    on the path, so it is asked only where torchvision has no such module.
    """

    name = 'torchvision.transforms.functional_tensor'

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname == self.name else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        functional = importlib.import_module('torchvision.transforms.functional')
        module.rgb_to_grayscale = functional.rgb_to_grayscale  # type: ignore[attr-defined]


def restore_functional_tensor() -> None:
    """Put the finder on the path, once."""
    if not any(isinstance(finder, FunctionalTensorFinder) for finder in sys.meta_path):
        sys.meta_path.append(FunctionalTensorFinder())


@contextmanager
def pkg_resources_with_packaging() -> Iterator[None]:
    """Lend `pkg_resources.packaging` to the package `clip`, which pyiqa's LIQE and CLIP-IQA import.

    setuptools 82 removed the module, 70 hid the attribute, and others warn. Inside the `with`, `pkg_resources` is a
    module that has `packaging` and nothing else; so import nothing but `clip` there.
    """
    module = types.ModuleType('pkg_resources')
    module.packaging = importlib.import_module('packaging')  # type: ignore[attr-defined]
    importlib.import_module('packaging.version')
    own = sys.modules.get('pkg_resources')
    sys.modules['pkg_resources'] = module
    try:
        yield
    finally:
        del sys.modules['pkg_resources']
        if own is not None:
            sys.modules['pkg_resources'] = own


def import_clip() -> None:
    """Import `clip` under any setuptools; afterwards pyiqa's own import of it succeeds. Nothing where it is absent."""
    if 'clip' not in sys.modules and importlib.util.find_spec('clip') is not None:
        with pkg_resources_with_packaging():
            importlib.import_module('clip')


def is_command() -> bool:
    """Whether `spikereveal` or `basicsr` runs, which registers classes itself, if what it does needs them."""
    program = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else ''
    if program in ('spikereveal', 'basicsr'):
        return True
    arguments = sys.orig_argv
    module = ''.join(arguments[arguments.index('-m') + 1 :][:1]) if '-m' in arguments else ''
    return module == 'spikereveal_plugin' or module.startswith('spikereveal_plugin.cli.')


def prepare() -> bool:
    """Mend what BasicSR lacks, which must be done before `import basicsr`.

    Returns:
        Whether to register classes with BasicSR now: not for a command.

    Raises:
        EnvironmentProblemError: the `basicsr` that Python would import is not the release this plugin is written for.
    """
    restore_functional_tensor()
    if is_command():
        return False
    check_basicsr_is_the_release()
    return True
