"""Where the shipped option files are."""

from pathlib import Path

import spikereveal_plugin
from spikereveal_plugin.errors import EnvironmentProblemError


def option_folder() -> Path:
    """The folder of the shipped option files: `options/` of the checkout, or the copy inside an installed wheel."""
    package = Path(spikereveal_plugin.__file__).parent
    for folder in (package.parent / 'options', package / '_options'):
        if (folder / 'ldn_sample.yml').is_file():
            return folder
    raise EnvironmentProblemError(f'the option files are missing beside {package}; install the package again')
