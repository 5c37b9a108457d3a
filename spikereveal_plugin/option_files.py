"""Where the option files that come along are, and how a path to one of them is understood from any folder."""

from pathlib import Path

from spikereveal_plugin.errors import EnvironmentProblemError, OptionError
from spikereveal_plugin.formats.inputs import real

FOLDER = 'options'


def option_folder() -> Path:
    """The folder of the option files that come along: `options/` of the checkout, or the copy inside a wheel.

    Raises:
        EnvironmentProblemError: neither is there.
    """
    package = Path(__file__).parent
    for folder in (package.parent / FOLDER, package / '_options'):
        if (folder / 'ldn_sample.yml').is_file():
            return folder
    raise EnvironmentProblemError(f'the option files are missing beside {package}; install the package again')


def list_option_files() -> list[str]:
    """Names of the files that come along, below `options/`, in order."""
    folder = option_folder()
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*.yml'))


def find_option_file(path: Path, folder: Path | None = None) -> Path:
    """Return the file that a path means, absolute: its own, or for `options/NAME.yml` one that comes along.

    Args:
        path: as it was given.
        folder: what it is relative to; the current folder by default.

    Raises:
        OptionError: there is neither.
    """
    own = real((folder or Path.cwd()) / path.expanduser())
    if own.is_file():
        return own
    name = Path(*path.parts[1:]).as_posix() if path.parts[:1] == (FOLDER,) else ''
    if name in list_option_files():
        return option_folder() / name
    known = [known for known in list_option_files() if Path(known).name == path.name]
    where = f'options/{known[0]} comes along' if known else '`spikereveal options list` says which come along'
    raise OptionError(f'{own}: no such option file; {where}')
