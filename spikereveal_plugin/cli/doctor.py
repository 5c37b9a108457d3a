"""`spikereveal doctor`: will it run here?"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from spikereveal_plugin.cli.text import HelpFormatter, write_lines
from spikereveal_plugin.doctor.finding import FAIL, Finding
from spikereveal_plugin.errors import EnvironmentProblemError

EXAMPLES = """examples:
  spikereveal doctor
  spikereveal doctor && basicsr train -opt options/ldn_gopro.yml --check

One line for each trap that is known, tried out here, with its cure. Exit code 1 when something would fail.
A note works less well, and fails nothing.
"""


def add_doctor_parser(commands: Any) -> None:
    """Add `doctor` to the sub-commands of `spikereveal`."""
    parser = commands.add_parser(
        'doctor', help='check this machine', epilog=EXAMPLES, formatter_class=HelpFormatter, description=__doc__
    )
    parser.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace) -> None:
    from spikereveal_plugin.doctor import machine, stack  # --help must not wait for torch

    first = stack.check_basicsr
    checks = [
        getattr(module, name)
        for module in (stack, machine)
        for name in vars(module)
        if name.startswith('check_') and name != first.__name__
    ]
    finding = first()
    failed = examine([lambda: finding])
    if finding.level != FAIL:  # what is built on BasicSR cannot be tried without it
        failed += examine(checks)
    if failed:
        raise EnvironmentProblemError(f'{failed} of the checks failed; the cures are above')


def examine(checks: Sequence[Callable[[], Finding]]) -> int:
    """Print a line for each check; returns the number that failed."""
    failed = 0
    for check in checks:
        finding = check()
        failed += finding.level == FAIL
        write_lines([f'{finding.level:4}  {finding.text}{f"  ->  {finding.cure}" if finding.cure else ""}'])
    return failed
