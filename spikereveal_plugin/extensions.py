"""The door for networks, losses, metrics, data sets and restorers of one's own."""

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from spikereveal_plugin.errors import EnvironmentProblemError, OptionError

GROUP = 'spikereveal_plugin'
_TAKEN = re.compile(r"An object named '(\w+)' was already registered in '(\w+)' registry")


def import_extensions(names: Any, folder: Path, where: str = 'import') -> None:
    """Import modules whose classes register themselves, with BasicSR or as restorers.

    Args:
        names: a module (`my_package.my_arch`, or `my_arch` beside the option file or in the current folder), a file
            (`archs/my_arch.py`), or a list of these.
        folder: what files are relative to: the option file's, or the current one.
        where: the option, for errors.

    Raises:
        OptionError: `names` is of another form, a module is not found, or it fails.
    """
    listed = [names] if isinstance(names, str) else names or ()
    if not isinstance(listed, Sequence) or not all(isinstance(name, str) for name in listed):
        raise OptionError(f'{where}: expected a module, a file, or a list of these, found {names!r}')
    for name in listed:
        if name.endswith('.py'):
            _import_file((folder / Path(name).expanduser()).absolute(), where)
        else:
            _import(name, (folder.absolute(), Path.cwd()), where)


def load_entry_points() -> None:
    """Import what installed packages offer: entry points of the group `spikereveal_plugin`.

    Raises:
        EnvironmentProblemError: one fails.
    """
    for entry in entry_points(group=GROUP):
        try:
            entry.load()
        except Exception as error:
            package = entry.dist.name if entry.dist else entry.value
            raise EnvironmentProblemError(
                f'the package {package} extends this plugin by {entry.value}, which fails: {_reason(error)}; mend or '
                'remove it'
            ) from error


def _import_file(path: Path, where: str) -> None:
    if not path.is_file():
        raise OptionError(f'{where}: {path}: no such file')
    module = _import(path.stem, (path.parent,), where)
    origin = getattr(module, '__file__', None)
    if origin is None or Path(origin).resolve() != path.resolve():
        raise OptionError(f'{where}: {path}: another module is called {path.stem} ({origin}); rename the file')


def _import(name: str, folders: Sequence[Path], where: str) -> Any:
    """Import a module, also from folders, which stay on the path: worker processes import it again by its name."""
    sys.path += [folder for folder in dict.fromkeys(map(str, folders)) if folder not in sys.path]
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f'{name}.'.startswith(f'{error.name}.'):
            raise OptionError(f'{where}: {name} fails: {_reason(error)}') from error
        looked = ', '.join(map(str, folders))
        raise OptionError(f'{where}: no module {name!r} in {looked} or installed; a file is named with .py') from None
    except OptionError:
        raise
    except Exception as error:
        raise OptionError(f'{where}: {name} fails: {_reason(error)}') from error


def _reason(error: Exception) -> str:
    return name_clash(error) or f'{type(error).__name__}: {" ".join(str(error).split())}'


def name_clash(error: Exception) -> str:
    """Return what to do where BasicSR refused a name that is taken, and who has it; nothing for another error."""
    found = _TAKEN.search(str(error)) if isinstance(error, AssertionError) else None
    if found is None:
        return ''
    name, kind = found.groups()
    holder = getattr(import_module('basicsr.utils.registry'), f'{kind.upper()}_REGISTRY').get(name)
    return f'the {kind} {name!r} is registered already, by {holder.__module__}; rename one of the two'
