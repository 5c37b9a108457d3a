"""How help texts and answers look."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from spikereveal_plugin.formats.atomic import naming

STDOUT = Path('standard output')


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Show defaults that say something, and keep the examples as they are typed."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or '(default' in (action.help or ''):
            return action.help
        return super()._get_help_string(action)


def write_lines(lines: Iterable[str]) -> None:
    """Write a command's answer to stdout."""
    with naming(STDOUT):
        sys.stdout.writelines(f'{line}\n' for line in lines)
        sys.stdout.flush()
