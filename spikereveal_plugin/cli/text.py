"""How help texts and answers look."""

import argparse
import sys
from collections.abc import Iterable


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Show defaults, and keep the examples as they are typed."""


def write_lines(lines: Iterable[str]) -> None:
    """Write a command's answer to stdout."""
    sys.stdout.writelines(f'{line}\n' for line in lines)
