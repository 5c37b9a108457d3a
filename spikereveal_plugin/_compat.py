"""Make BasicSR 1.4.2 import and run beside today's torch and torchvision; one function per trouble."""

import importlib
import importlib.metadata
import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spikereveal_plugin.errors import EnvironmentProblemError

BASICSR_VERSION = '1.4.2'
_REMEDY = (
    f'This plugin needs the PyPI release basicsr=={BASICSR_VERSION}. Run '
    f'`pip install --force-reinstall --no-deps basicsr=={BASICSR_VERSION}` in this environment, and start Python from '
    'a folder (and with a PYTHONPATH) that holds no other `basicsr` folder.'
)


def check_basicsr_is_the_release() -> None:
    """Refuse a fork or another version: many restorers ship a changed folder that is also named `basicsr`.

    Raises:
        EnvironmentProblemError: the `basicsr` that Python would import is absent or is not the release from PyPI.
    """
    try:
        distribution = importlib.metadata.distribution('basicsr')
    except importlib.metadata.PackageNotFoundError:
        raise EnvironmentProblemError(f'basicsr is not installed. {_REMEDY}') from None
    if distribution.version != BASICSR_VERSION:
        raise EnvironmentProblemError(f'basicsr {distribution.version} is installed. {_REMEDY}')
    spec = importlib.util.find_spec('basicsr')
    found = Path(spec.origin).resolve() if spec and spec.origin else None
    expected = Path(str(distribution.locate_file('basicsr/__init__.py'))).resolve()
    if found != expected:
        raise EnvironmentProblemError(f'`import basicsr` finds {found}, a fork, instead of {expected}. {_REMEDY}')


def restore_functional_tensor() -> None:
    """Give BasicSR back a module that torchvision 0.17 removed.

    `basicsr/data/degradations.py` imports `rgb_to_grayscale` from it; without it `import basicsr` fails. The function
    does nothing where the module exists.
    """
    name = 'torchvision.transforms.functional_tensor'
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        return
    functional = importlib.import_module('torchvision.transforms.functional')
    module = types.ModuleType(name)
    module.rgb_to_grayscale = functional.rgb_to_grayscale  # type: ignore[attr-defined]
    sys.modules[name] = module


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


def is_doctor() -> bool:
    """Whether the command is `spikereveal doctor`, which must start where nothing else does."""
    program = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else ''
    return program in ('spikereveal', '-m') and sys.argv[1:2] == ['doctor']


def is_help() -> bool:
    """Whether `spikereveal` or `basicsr` is only asked how it is used, which needs no torch and no registered class."""
    program = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else ''
    asks = {'-h', '--help', '--version'} & set(sys.argv[1:])
    return program in ('spikereveal', 'basicsr') and bool(asks or not sys.argv[1:])


def prepare() -> bool:
    """Check the installation and mend what BasicSR lacks; must run before `import basicsr`.

    Returns:
        Whether classes can be registered with BasicSR: false for the doctor, who then says why not, and for help.

    Raises:
        EnvironmentProblemError: the `basicsr` that Python would import is not the release this plugin is written for.
    """
    if is_help():
        return False
    try:
        check_basicsr_is_the_release()
    except EnvironmentProblemError:
        if is_doctor():
            return False
        raise
    restore_functional_tensor()
    return True
