"""Arguments that several verbs of `spikereveal data` share."""

import argparse
import os
import re
from pathlib import Path


def add_verb(
    commands: 'argparse._SubParsersAction[argparse.ArgumentParser]', name: str, about: str, examples: str
) -> argparse.ArgumentParser:
    """Add the parser of one verb, its examples below the options."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(name, help=about, description=about, epilog=examples, formatter_class=formatter)
    return parser


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add `-o`, the folder of the data set to make."""
    parser.add_argument('-o', '--out', type=Path, required=True, metavar='DIR', help='folder of the data set to make')


def add_simulation(parser: argparse.ArgumentParser, threshold: float) -> None:
    """Add what all simulated data sets have: the spike camera, the seed, `--overwrite`."""
    parser.add_argument(
        '--threshold',
        type=float,
        default=threshold,
        help="of the spike camera, the paper's theta (default: %(default)s)",
    )
    parser.add_argument('--no-noise', action='store_true', help='leave out the spikes that a sensor fires by itself')
    parser.add_argument('--seed', type=int, default=0, help='of all randomness (default: %(default)s)')
    add_build(parser)


def add_build(parser: argparse.ArgumentParser) -> None:
    """Add what every build has: `--workers` and `--overwrite`."""
    parser.add_argument(
        '--workers',
        type=positive,
        default=_usable_cores(),
        metavar='N',
        help='processes; the result does not depend on it (default: one a core, here %(default)s)',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='replace the data set if DIR holds one, and what a differing command began',
    )


def positive(text: str) -> int:
    """Parse a whole number of 1 or more."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f'expected a whole number of 1 or more, got {text!r}')
    return int(text)


def shard(text: str) -> tuple[int, int]:
    """Parse `i/n`, part i of n, from 1 on."""
    found = re.fullmatch(r'(\d+)/(\d+)', text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f'expected i/n with i from 1 to n, such as 2/4, got {text!r}')
    return int(found[1]), int(found[2])


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
